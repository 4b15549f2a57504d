"""The strategy environment: the action is how to ask the LM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_env.coding import Coder, Proposal, Strategy, load_strategies
from blampert_env.envs.code_edit import CodeEditEnv, render, session_info
from blampert_env.envs.features import feature_names, observe
from blampert_env.envs.progress import EpisodeProgress
from blampert_env.envs.session import Accept, Attempt
from blampert_env.errors import ConfigError
from blampert_env.projects import Project

if TYPE_CHECKING:
    from blampert_env.lm import LanguageModel
    from blampert_env.lm.prices import Meter


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What recorders want to know of the last step and infos may not say (times differ from run to run)."""

    strategy: str
    attempt: Attempt
    proposal: Proposal | None
    cost: float = 0.0


class StrategyEnv(gym.Env[NDArray[np.float32], int]):
    """Choose how to ask a frozen LM for the next function.

    ## Description
    A project is a folder of Python files with TODOs and pytest tests. Each step asks the LM for the current target
    (a function with a TODO) in the way the chosen strategy describes: what the prompt shows, how it asks, how the
    answer is sampled. The answer becomes an edit, the visible tests are run, and the edit is kept if the number of
    passed tests does not fall. The next target is an open one with the fewest attempts. What is learnt is how to ask.

    ## Action Space
    ``Discrete(n_strategies)``, in the order of ``configs/strategies.yaml``. ``action_masks()`` says which make sense
    now: a repair needs a previous attempt (or wrong code to begin with), examples need a solved target, and a greedy
    strategy whose prompt cannot have changed would repeat its answer. Choosing a masked action asks nothing and counts
    as a refused edit.

    ## Observation Space
    ``Box(0, 1, (n_features,), float32)``; :attr:`feature_names` names each feature
    (:mod:`blampert_env.envs.features`). The length depends on the strategies alone, not on the project.

    ## Rewards
    As in :class:`~blampert_env.envs.CodeEditEnv`, and -0.02 for each 100 completion tokens. ``rewards="cost"`` prices
    calls by what they cost instead, whichever model answers.

    ## Starting State
    The untouched project. The seed decides which samples are drawn from the LM's sample pool.

    ## Episode End
    Terminated when every visible test passes. Truncated after ``max_attempts`` steps (by default 2 a target).

    ## Information
    As in :class:`~blampert_env.envs.CodeEditEnv`, and ``strategy``, ``next_target``, ``lm_calls`` (0 or 1),
    ``prompt_tokens``, ``completion_tokens`` and ``cost`` of this step (seconds, :class:`blampert_env.lm.prices.Meter`;
    0.0 where no price is known).

    ## Arguments
    Those of :class:`~blampert_env.envs.CodeEditEnv`, and ``lm``: a model name for :func:`blampert_env.lm.resolve`
    (``"auto"`` by default) or a ``LanguageModel``; ``strategies``: a YAML file, or names to keep of the bundled ones;
    ``pool``: the file of the sample pool (that in the cache folder by default); ``pool_only``: answers come from there
    alone, and a prompt that is not there is :class:`~blampert_env.lm.NotInPool`; ``samples``: how many of a request are
    drawn and kept (8 by default; what ``blampert collect --samples`` asked for); ``prices``: a model's name to the
    seconds that a token of its prompt and of its answer cost, for models that ``configs/models.yaml`` does not know.

    ## Version History
    * v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 1}

    def __init__(
        self,
        project: str | Path | Project,
        *,
        lm: str | LanguageModel = "auto",
        strategies: str | Path | Sequence[str] | None = None,
        rewards: str | Mapping[str, float] = "default",
        accept: Accept = "not_worse",
        max_attempts: int | None = None,
        isolation: Literal["default", "strict", "none"] = "default",
        timeout_s: float | None = None,
        python: str | None = None,
        pool: str | Path | None = None,
        pool_only: bool = False,
        samples: int | None = None,
        prices: Mapping[str, tuple[float, float]] | None = None,
        render_mode: str | None = None,
    ) -> None:
        if (pool is not None or pool_only or samples is not None) and not isinstance(lm, str):
            names = "pool, pool_only and samples"
            raise ConfigError(f"{names} go with a model's name: give them to blampert_env.lm.resolve instead")
        self._pool: dict[str, Any] = {"pool": pool if pool is not None else True, "pool_only": pool_only}
        self._pool |= {} if samples is None else {"samples": samples}
        self.strategies: tuple[Strategy, ...] = choose_strategies(strategies)
        self.feature_names = feature_names(self.strategies)
        self.observation_space, self.action_space = policy_spaces(self.strategies)  # type: ignore[assignment]
        self.render_mode = render_mode
        self.edit_env = CodeEditEnv(
            project,
            rewards=rewards,
            accept=accept,
            max_attempts=max_attempts,
            isolation=isolation,
            timeout_s=timeout_s,
            python=python,
            render_mode=render_mode,
        )
        self.project = self.edit_env.project
        self.session = self.edit_env.session
        self.progress = EpisodeProgress(self.session, self.strategies)
        self.last_step: StepRecord | None = None
        self._prices = checked_prices(prices)
        self._meter: Meter | None = None
        self._lm = lm
        self._coder: Coder | None = None

    @property
    def coder(self) -> Coder:
        """The Coder; the LM is looked up when the first step needs it."""
        if self._coder is None:
            from blampert_env.lm import resolve

            self._coder = Coder(resolve(self._lm, **self._pool) if isinstance(self._lm, str) else self._lm)
            if self.session.rewards.needs_cost:
                self.check_prices()
        return self._coder

    @property
    def meter(self) -> Meter:
        """What the episode's calls cost; made at the first use, as all of the LM is."""
        if self._meter is None:
            from blampert_env.lm.prices import Meter

            self._meter = Meter(self._prices)
        return self._meter

    def check_prices(self) -> None:
        """See that the price of every model is known that a strategy may ask; call it before the first step.

        Raises:
            ConfigError: One is not; its name is given.
        """
        for strategy in self.strategies:
            name = self.coder.lm.other(strategy.model).name
            if self.meter.price(name) is None:
                raise ConfigError(
                    f"no price is known of {name}: give prices={{{name!r}: (a prompt's token, an answer's)}}"
                )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Go back to the untouched project. There are no options."""
        super().reset(seed=seed)
        self.session.start()
        self.progress.restart()
        self.meter.forget()
        self.last_step = None
        return observe(self.progress, None), self._info(None)

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Ask once by strategy ``action``.

        Raises:
            LMUnavailable: The LM does not answer; the files and attempts stay as they were (a sample was drawn).
            ConfigError: ``action`` is none, or the rewards have a cost term and no price is known of a model.
            GraderError: The grader itself failed; likewise.
        """
        index = checked_action(action, self.action_space)
        # drawn in every step, so that a masked action does not shift the samples of later ones
        draw = int(self.np_random.integers(2**31))
        proposal, cost = None, 0.0
        if self.action_masks()[index]:
            proposal, attempt, cost = self._ask(index, draw)
        else:
            attempt = self.session.attempt(None, problem="masked")
        self.progress.record(index, attempt)
        self.last_step = StepRecord(self.strategies[index].name, attempt, proposal, cost)
        terminated = self.session.solved
        truncated = self.session.exhausted and not terminated
        return observe(self.progress, attempt), attempt.reward, terminated, truncated, self._info(self.last_step)

    def _ask(self, strategy: int, draw: int) -> tuple[Proposal | None, Attempt, float]:
        """Ask the LM and try its edit; a prompt that does not fit is an attempt without one. The cost, too."""
        from blampert_env.lm import ContextOverflow

        try:
            proposal = self.coder.propose(self.progress.context(), self.strategies[strategy], draw)
        except ContextOverflow:
            return None, self.session.attempt(None, problem="prompt_too_long"), 0.0
        said = proposal.completion
        cost = self.meter.charge(proposal.model, proposal.prompt, said)
        attempt = self.session.attempt(proposal.edit, completion_tokens=said.completion_tokens, cost=cost)
        return proposal, attempt, cost

    def action_masks(self) -> NDArray[np.bool_]:
        """Which strategies make sense now: bool array of shape ``(n_strategies,)``, at least one True."""
        return self.progress.mask()

    def render(self) -> str | NDArray[np.uint8] | None:  # type: ignore[override]
        """The state as text (``ansi``) or as a picture (``rgb_array``, uint8 of shape (400, 640, 3))."""
        said = f"strategy {self.last_step.strategy}" if self.last_step else ""
        return render(self.render_mode, self.session, said)

    def close(self) -> None:
        """Stop the grader; may be called twice. The LM is shared and stays."""
        self.edit_env.close()

    def _info(self, record: StepRecord | None) -> dict[str, Any]:
        info = session_info(self.session, record.attempt if record else None)
        completion = record.proposal.completion if record and record.proposal else None
        info.update(
            strategy=record.strategy if record else "",
            next_target=self.progress.target.id,
            lm_calls=int(completion is not None),
            prompt_tokens=completion.prompt_tokens if completion else 0,
            completion_tokens=completion.completion_tokens if completion else 0,
            cost=record.cost if record else 0.0,
        )
        return info


def checked_action(action: Any, space: gym.Space[Any]) -> int:
    """An action as a number.

    Raises:
        ConfigError: It is not in the space.
    """
    index = int(action)
    if not space.contains(index):
        raise ConfigError(f"action {action!r} is not in {space}")
    return index


def checked_prices(prices: Mapping[str, tuple[float, float]] | None) -> dict[str, tuple[float, float]]:
    """Prices by a model's name.

    Raises:
        ConfigError: One is no pair of numbers, 0 or more.
    """
    from blampert_env.lm.models import pair_of

    found = {}
    for name, given in (prices or {}).items():
        if (pair := pair_of(given)) is None:
            raise ConfigError(f"prices: {name} must be two numbers of seconds, 0 or more, not {given!r}")
        found[name] = pair
    return found


def policy_spaces(strategies: Sequence[Strategy]) -> tuple[spaces.Box, spaces.Discrete]:
    """Observation and action space of a policy over these strategies; the same for every project."""
    return spaces.Box(0.0, 1.0, (len(feature_names(strategies)),), np.float32), spaces.Discrete(len(strategies))


def choose_strategies(choice: str | Path | Sequence[str] | None) -> tuple[Strategy, ...]:
    """Strategies by YAML file (a path), by names of the bundled ones (a list), or all bundled ones (None).

    Raises:
        ConfigError: The file is broken or a name unknown.
    """
    if choice is None or isinstance(choice, str | Path):
        return load_strategies(choice)
    return load_strategies(names=list(choice))
