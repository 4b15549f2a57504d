"""The campaign environment: many targets under one budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_env.envs.campaign_features import NEXT, campaign_features, observe_campaign
from blampert_env.envs.campaign_progress import CampaignProgress, Place
from blampert_env.envs.code_edit import check_render_mode, drawn, open_projects
from blampert_env.envs.features import TARGET_FEATURES, target_features
from blampert_env.envs.strategy import StepRecord, StrategyEnv, checked_action, checked_prices, choose_strategies
from blampert_env.errors import ConfigError, ProjectError
from blampert_env.projects import Project
from blampert_env.rewards import StepFacts, load_rewards

if TYPE_CHECKING:
    from blampert_env.lm import LanguageModel

COST_A_TARGET = 30.0  # of the budget, by default: about two answers of the larger embedded model, or five of the small
STEPS_A_TARGET = 16
_ATTEMPTS = 10**6  # of the inner environments: what ends a campaign is its own


class CampaignEnv(gym.Env[NDArray[np.float32], int]):
    """Write many functions under one budget: whom to ask, how, and when to leave one.

    ## Description
    The targets of several projects lie in a queue. Each step asks the LM for the one in front, as the chosen strategy
    describes, or leaves it: it goes to the end of the queue and may come back. A target that every visible test that
    mentions it passes for is solved and gone; what passes untouched is none. Each answer is paid for out of one budget,
    at the price of the model that gave it, so that what is spent on a hopeless target is missing for another.

    ## Action Space
    ``Discrete(n_strategies + 1)``: the strategies in their order, and last ``next``. ``action_masks()`` forbids what
    :class:`~blampert_env.envs.StrategyEnv` forbids, and ``next`` where no other target is open. A masked action asks
    nothing and costs nothing.

    ## Observation Space
    ``Box(0, 1, (n_features,), float32)``; :attr:`feature_names` names each feature
    (:mod:`blampert_env.envs.campaign_features`). The length depends on the strategies alone.

    ## Rewards
    The weighted terms of a profile of ``configs/rewards.yaml``, ``campaign`` by default, with targets in the place of
    tests: ``progress`` is the share of the episode's targets that the step has solved, so that a return of 1 means all.

    ## Starting State
    The untouched projects. The seed draws which targets there are, if ``n_targets`` limits them, their order, and which
    samples the LM gives.

    ## Episode End
    Terminated when every target is solved, or when the budget is spent (the last answer may cost more than was left).
    Truncated after ``max_steps`` steps.

    ## Information
    ``project`` and ``target`` that were in front, ``strategy`` (``"next"`` for the last action), ``outcome``
    (``"left"`` for it), ``message``, ``next_project``, ``next_target``, ``targets_solved``, ``targets_total``, ``cost``
    of the step, ``spent`` and ``budget`` (seconds, :mod:`blampert_env.lm.prices`), ``lm_calls``, ``prompt_tokens``,
    ``completion_tokens``, ``is_success`` (all are solved) and ``reward_terms``. Infos hold no times.

    ## Arguments
    ``projects``: names, folders or :class:`~blampert_env.projects.Project` objects; the bundled ones by default.
    ``budget``: seconds that the answers of an episode may cost, > 0; 30 a target by default. ``n_targets``: targets of
    an episode, all by default; a test that needs one that is not among them cannot pass. ``max_steps``: 16 a target by
    default. The others as for :class:`~blampert_env.envs.StrategyEnv`; the price of every model must be known.

    ## Version History
    * v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 1}

    def __init__(
        self,
        projects: Sequence[str | Path | Project] | None = None,
        *,
        budget: float | None = None,
        n_targets: int | None = None,
        max_steps: int | None = None,
        lm: str | LanguageModel = "auto",
        strategies: str | Path | Sequence[str] | None = None,
        rewards: str | Mapping[str, float] = "campaign",
        prices: Mapping[str, tuple[float, float]] | None = None,
        pool: str | Path | None = None,
        pool_only: bool = False,
        samples: int | None = None,
        isolation: Literal["default", "strict", "none"] = "default",
        timeout_s: float | None = None,
        python: str | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.projects = open_projects(projects, "campaign")
        self.places: list[Place] = [(name, target.id) for name, one in self.projects.items() for target in one.targets]
        if not self.places:
            raise ProjectError("a campaign needs at least one target: give projects=[...] with functions to write")
        self.n_targets = _at_least_one("n_targets", n_targets, len(self.places))
        if self.n_targets > len(self.places):
            raise ConfigError(f"n_targets is {n_targets} and the projects have {len(self.places)}: give fewer")
        self.budget = COST_A_TARGET * self.n_targets if budget is None else budget
        if type(self.budget) not in (int, float) or not 0 < self.budget < float("inf"):
            raise ConfigError(f"budget must be a number of seconds above 0, not {budget!r}")
        self.max_steps = _at_least_one("max_steps", max_steps, STEPS_A_TARGET * self.n_targets)
        check_render_mode(render_mode, self.metadata["render_modes"])
        self.render_mode = render_mode
        self.strategies = choose_strategies(strategies)
        self.feature_names = campaign_features(self.strategies)
        self.action_names = (*(one.name for one in self.strategies), NEXT)
        self.observation_space = spaces.Box(0.0, 1.0, (len(self.feature_names),), np.float32)
        self.action_space = spaces.Discrete(len(self.action_names))  # type: ignore[assignment]
        self._rewards = load_rewards(rewards)
        if self._rewards.needs_quality:
            raise ConfigError("rewards: a campaign counts targets, code_quality counts tests: use weights without it")
        asking = {"lm": lm, "strategies": strategies, "prices": checked_prices(prices), "pool": pool}
        grading = {"isolation": isolation, "timeout_s": timeout_s, "python": python, "max_attempts": _ATTEMPTS}
        self._kwargs: dict[str, Any] = {**asking, **grading, "pool_only": pool_only, "samples": samples}
        self._priced = False
        self._envs: dict[str, StrategyEnv] = {}
        self.progress = CampaignProgress([], len(self.strategies), self.budget)
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Go back to the untouched projects, with targets in a new order. There are no options."""
        super().reset(seed=seed)
        order = self.np_random.permutation(len(self.places))[: self.n_targets]
        queue = [self.places[index] for index in order]
        for name in sorted({name for name, _ in queue}):
            self._env(name).reset(seed=int(self.np_random.integers(2**31)))
        # what passes already is nothing to write
        queue = [(name, target) for name, target in queue if self._env(name).progress.passing_share(target) < 1.0]
        if not queue:
            raise ProjectError(
                f"every test of the targets of {', '.join(self.projects)} passes: there is nothing to write"
            )
        self.progress = CampaignProgress(queue, len(self.strategies), self.budget)
        self._steps = 0
        return self._observation(), self._info(("", ""), None, {}, "", "none")

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Ask by strategy ``action``, or leave the target.

        Raises:
            LMUnavailable: The LM does not answer.
            GraderError: The grader itself failed.
            ConfigError: ``action`` is none, no price is known of a model, or all is solved or spent.
        """
        progress, index = self.progress, checked_action(action, self.action_space)
        if progress.is_over:
            raise ConfigError("the campaign is over: call reset()")
        place, before, record, outcome = progress.queue[0], len(progress.solved), None, "masked"
        self._steps += 1
        if index < len(self.strategies):
            record = self._ask(index)
            outcome = record.attempt.outcome
        elif len(progress.queue) > 1:
            progress.leave()
            outcome = "left"
        terms = self._rewards.terms(self._facts(before, record))
        terminated = progress.is_over
        truncated = self._steps >= self.max_steps and not terminated
        info = self._info(place, record, terms, self.action_names[index], outcome)
        return self._observation(), float(sum(terms.values())), terminated, truncated, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions make sense now: bool array of shape ``(n_strategies + 1,)``, at least one True."""
        queue = self.progress.queue
        if not queue:  # it is over, and a mask must allow something
            return np.ones(len(self.action_names), bool)
        return np.append(self._turned(queue[0]).action_masks(), len(queue) > 1)

    def render(self) -> str | NDArray[np.uint8] | None:  # type: ignore[override]
        """The state as text (``ansi``) or as a picture (``rgb_array``, uint8 of shape (400, 640, 3))."""
        return drawn(self.render_mode, self._as_text)

    def _as_text(self) -> str:
        progress = self.progress
        lines = [f"{len(progress.solved)} of {progress.total} targets solved"]
        lines += [f"{progress.spent:.1f} of {self.budget:.0f} s spent"]
        for place, (name, target) in enumerate(progress.queue[:15]):
            lines.append(f"{' ' if place else '>'} {name} {target}")
        return "\n".join(lines)

    def close(self) -> None:
        """Close every inner environment; may be called twice."""
        for env in self._envs.values():
            env.close()

    def _env(self, name: str) -> StrategyEnv:
        """The inner environment of a project, made when it is first drawn."""
        if name not in self._envs:
            self._envs[name] = StrategyEnv(self.projects[name], rewards={}, **self._kwargs)
        return self._envs[name]

    def _turned(self, place: Place) -> StrategyEnv:
        """The inner environment of a target, turned to it."""
        env = self._env(place[0])
        env.progress.target = self.projects[place[0]].target(place[1])
        return env

    def _ask(self, index: int) -> StepRecord:
        """Ask for the target in front; what came of it."""
        env = self._turned(self.progress.queue[0])
        if not self._priced:  # before the first answer is paid for
            env.check_prices()
            self._priced = True
        env.step(index)
        return record_step(self.progress, index, env)

    def _facts(self, before: int, record: StepRecord | None) -> StepFacts:
        """What rewards may know of a step, in targets."""
        proposal = record.proposal if record else None
        return StepFacts(
            passed_before=before,
            passed_after=len(self.progress.solved),
            passed_untouched=0,
            total=self.progress.total,
            rejected=bool(record and record.attempt.rejected),
            completion_tokens=proposal.completion.completion_tokens if proposal else 0,
            cost=record.cost if record else 0.0,
        )

    def _observation(self) -> NDArray[np.float32]:
        if not self.progress.queue:
            return observe_campaign(self.progress, (0.0,) * len(TARGET_FEATURES), tests=0, pass_rate=1.0)
        return observe_front(self.progress, self._env(self.progress.queue[0][0]))

    def _info(
        self, place: Place, record: StepRecord | None, terms: Mapping[str, float], action: str, outcome: str
    ) -> dict[str, Any]:
        progress = self.progress
        said = record.proposal.completion if record and record.proposal else None
        coming = progress.queue[0] if progress.queue else ("", "")
        return {
            "project": place[0],
            "target": place[1],
            "strategy": action,
            "outcome": outcome,
            "message": record.attempt.message if record else "",
            "next_project": coming[0],
            "next_target": coming[1],
            "targets_solved": len(progress.solved),
            "targets_total": progress.total,
            "cost": record.cost if record else 0.0,
            "spent": progress.spent,
            "budget": self.budget,
            "lm_calls": int(said is not None),
            "prompt_tokens": said.prompt_tokens if said else 0,
            "completion_tokens": said.completion_tokens if said else 0,
            "is_success": len(progress.solved) == len(progress.on) > 0,
            "reward_terms": dict(terms),
        }


def record_step(progress: CampaignProgress, strategy: int, env: StrategyEnv) -> StepRecord:
    """Take an inner environment's last step, for the target in front, into a campaign; what it was."""
    record, seen, target = env.last_step, env.progress, progress.queue[0][1]
    assert record is not None
    failing = seen.failing.get(target, "") if record.attempt.source else ""
    progress.record(strategy, record.attempt, record.cost, failing, lambda one: seen.passing_share(one[1]) == 1.0)
    return record


def observe_front(progress: CampaignProgress, env: StrategyEnv) -> NDArray[np.float32]:
    """A campaign's observation, where the target in front is one of this inner environment."""
    seen, target = env.progress, progress.queue[0][1]
    tests, share = len(seen.tests_of(target)), seen.passing_share(target)
    return observe_campaign(progress, target_features(env.project.target(target)), tests=tests, pass_rate=share)


def _at_least_one(name: str, value: int | None, default: int) -> int:
    """A count that was given, or its default.

    Raises:
        ConfigError: It is no whole number of 1 or more.
    """
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"{name} must be a whole number of 1 or more, not {value!r}")
    return value
