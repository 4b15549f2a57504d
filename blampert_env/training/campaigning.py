"""A policy of the campaign env writes one project: whom to ask for which function, and when to give one up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from blampert_agents import Agent, load_agent
from blampert_agents.storage import read_policy
from blampert_env.coding import Strategy
from blampert_env.envs import StrategyEnv
from blampert_env.envs.campaign import COST_A_TARGET, observe_front, record_step
from blampert_env.envs.campaign_features import NEXT, campaign_features
from blampert_env.envs.campaign_progress import CampaignProgress
from blampert_env.envs.progress import once_each
from blampert_env.errors import UsageError


class Campaigner:
    """Chooses for :func:`blampert_env.training.solving.solve` as in a campaign over the targets of one project.

    What the policy leaves goes to the end of the queue. When it has left every open target in a row, it would do so for
    ever: it gives up. Each way of asking is tried once a target, and a sample where the greedy answer has failed: so it
    was when the policy learnt. Unlike then, nothing is left before it was asked for once: a project of the user's may
    be unlike all that the policy has seen.

    Args:
        env: On the project, untouched.
        agent: A policy over the env's strategies and ``next``.
        rng: The only source of chance.
        patient: Where the policy gives up, what was not tried yet is asked in its order, and then everything again:
            another says when to end.
    """

    def __init__(self, env: StrategyEnv, agent: Agent, rng: np.random.Generator, *, patient: bool = False) -> None:
        self.env, self.agent, self.rng, self.patient = env, agent, rng, patient
        whole, names = campaign_features(env.strategies), list(agent.spec.feature_names)
        self._seen = [whole.index(name) for name in names] if names else list(range(len(whole)))
        self._lost: set[int] = set()
        queue = [(env.project.name, target.id) for target in env.progress.open_targets]
        self._progress = CampaignProgress(queue, len(env.strategies), COST_A_TARGET * max(1, len(queue)))
        self._asked: int | None = None

    def __call__(self, observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> int | None:
        """The strategy to ask by, with the env turned to the target to ask for; None: it gives the rest up."""
        progress = self._progress
        if self._asked is not None:
            record_step(progress, self._asked, self.env)
            self._asked = None
        for choose in (self._by_policy, self._untried, self._again) if self.patient else (self._by_policy,):
            for _ in range(len(progress.queue)):
                self.env.progress.target = self.env.project.target(progress.queue[0][1])
                action = choose() if not self._waits() else len(self.env.strategies)
                if action < len(self.env.strategies):
                    self._asked = action
                    return action
                progress.leave()
        return None

    def _waits(self) -> bool:
        """What fails of the target in front fails by another that was not asked for yet."""
        fails, front = self.env.progress.fails_alone, self._progress.queue[0]
        new = [place for place in self._progress.queue if not sum(self._progress.on[place].tries)]
        return front not in new and not fails(front[1]) and any(fails(target) for _, target in new)

    def _by_policy(self) -> int:
        return self.agent.act(self._observe(), self._mask(), self.rng, deterministic=True)

    def lost(self, strategy: int) -> bool:
        """Ask the model of a strategy no more; False if there is no other."""
        model = self.env.strategies[strategy].model
        self._lost |= {at for at, one in enumerate(self.env.strategies) if one.model == model}
        self._asked = None
        return len(self._lost) < len(self.env.strategies)

    def _untried(self) -> int:
        return int(np.argmax(self._mask()))

    def _again(self) -> int:
        """Of what may be asked, what was asked least; for the targets in turn."""
        on, tries = self._progress.on, self._progress.on[self._progress.queue[0]].tries
        if sum(tries) > min(sum(on[place].tries) for place in self._progress.queue):
            return len(self.env.strategies)
        possible = [(tries[action], action) for action in np.flatnonzero(self._can_be_asked())]
        return int(min(possible)[1]) if possible else len(self.env.strategies)

    def _can_be_asked(self) -> NDArray[np.bool_]:
        allowed = self.env.action_masks()
        allowed[list(self._lost)] = False
        return allowed

    def _mask(self) -> NDArray[np.bool_]:
        tries = self._progress.on[self._progress.queue[0]].tries
        allowed = once_each(self.env.strategies, self._can_be_asked(), tries)
        return np.append(allowed, sum(tries) > 0 or not allowed.any())

    def _observe(self) -> NDArray[np.float32]:
        return observe_front(self._progress, self.env)[self._seen]


def campaign_policy(path: Path, strategies: tuple[Strategy, ...]) -> Agent | None:
    """The policy of a file if it is one for campaigns with these strategies; None if it is for the strategy env.

    Raises:
        UsageError: It is one for campaigns, and with other strategies or features; or it is no policy.
    """
    spec = read_policy(path).spec
    names, known = spec.action_names, spec.feature_names
    if names[-1:] != (NEXT,):
        return None
    own = (*(strategy.name for strategy in strategies), NEXT)
    if names != own:
        raise UsageError(f"{path} was trained with the strategies {', '.join(names)}; these are {', '.join(own)}")
    whole = campaign_features(strategies)
    if strange := [name for name in known if name not in whole]:
        raise UsageError(f"{path} was trained on features that are not there any more, as {strange[0]}; train again")
    if not known and spec.observation_space.shape != (len(whole),):
        count = spec.observation_space.shape[0]
        raise UsageError(f"{path} was trained on {count} features, a campaign has {len(whole)}; train again")
    return load_agent(path)
