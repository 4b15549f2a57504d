"""What a policy picks, what it holds its arms for, and which features change its mind: ``blampert explain``.

A policy is asked, greedily, in the situations of :mod:`blampert_env.envs.situations`: a run does not keep the
observations it met, so they are made up, the same for every policy. Of a run its steps tell, beside that, what was
picked after which outcome, and what that earned and cost.

**Features that matter.** For any policy: how often its pick changes when one feature takes the value that it has in
another situation, over all pairs of situations. That is permutation importance (Breiman 2001, "Random Forests") in its
exact form over all pairs, the model reliance of Fisher, Rudin and Dominici 2019, "All Models are Wrong, but Many are
Useful", of the policy's own picks. One-hot features are moved together. For linear policies also coefficient times
standard deviation over what they have learnt from (:meth:`blampert_agents.linear.LinearAgent.weights`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from blampert_agents import Agent, AgentSpec, ValuingAgent, load_agent
from blampert_agents.linear import LinearAgent
from blampert_env.coding import Strategy, load_strategies
from blampert_env.coding.strategies import strategies_named
from blampert_env.envs.campaign_features import NEXT, campaign_features
from blampert_env.envs.features import feature_names
from blampert_env.envs.situations import Situation, campaign_situations, strategy_situations
from blampert_env.errors import ConfigError, UsageError
from blampert_env.telemetry.dashboard.mirror import StepMirror
from blampert_env.telemetry.dashboard.queries import picks
from blampert_env.training.run_folder import RunFolder

T = TypeVar("T")

_WITHOUT_CHOICE = {
    "random": "draws among the allowed arms, whatever it sees",
    "round-robin": "takes each allowed arm in turn, whatever it sees",
}
_NOTES = _WITHOUT_CHOICE | {
    "fixed": "takes the same arm, or the first allowed one where that is masked",
    "thompson": "does not look at the observation: only what is allowed differs",
}
_ONE_HOT = {"last_failure_": "last failure", "last_": "last outcome"}  # the longer prefix first


@dataclass(frozen=True, slots=True)
class Value:
    """What an arm is held for: its value, and the standard deviation of that where the policy has one."""

    mean: float
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """What is picked in a situation.

    Attributes:
        situation: In words.
        arm: The greedy pick; "" for a policy that has none.
        values: By arm; None where the arm is masked. Empty for a policy that values nothing.
    """

    situation: str
    arm: str
    values: Mapping[str, Value | None]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a policy does.

    Attributes:
        source: The policy's file.
        algo: Its algorithm.
        env: ``strategy`` or ``campaign``.
        note: What is to be known of such a policy; "" if nothing.
        arms: Names of its actions.
        kind: What values are, see :class:`blampert_agents.Values`; "" for a policy that values nothing.
        picks: One a situation.
        changes: Feature to the share of swaps, in [0, 1], that change the pick; the largest first.
        weights: Feature to weight by arm, in units of the value, the largest first; empty but for linear policies.
        steps: What a run's steps tell, see :func:`blampert_env.telemetry.dashboard.queries.picks`; None for a policy.
    """

    source: str
    algo: str
    env: str
    note: str
    arms: tuple[str, ...]
    kind: str
    picks: tuple[Pick, ...]
    changes: Mapping[str, float]
    weights: Mapping[str, Mapping[str, float]]
    steps: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


def explain_policy(path: Path, strategies: str | Path | None = None) -> Explanation:
    """Explain a policy file.

    Args:
        path: The file.
        strategies: YAML file of the strategies that it was trained with; those that ship with Blampert by default.

    Raises:
        UsageError: It is no policy, is damaged, was trained on observations of no Blampert environment, or with other
            strategies.
    """
    return _explain(path, strategies, None)


def explain_run(run: RunFolder, strategies: str | Path | None = None) -> Explanation:
    """Explain the newest policy of a run, and what its steps tell.

    Args:
        run: The run.
        strategies: As above; those of the run's settings by default.

    Raises:
        UsageError: As :func:`explain_policy`, or the run has no policy.
        StorageError: Its steps cannot be read.
    """
    config, state = run.read_config(), run.read_state()
    if state is None or not (run.path / str(state.get("policy", ""))).is_file():
        raise UsageError(
            f"{run.path} has no policy: it ended before one was saved; train again or explain a policy file"
        )
    mirror = StepMirror(run.actions, run.name)
    try:
        mirror.refresh()
        steps = picks(mirror) if mirror.count else None
    finally:
        mirror.close()
    return _explain(run.path / state["policy"], strategies or config.get("strategies"), steps)


def _explain(path: Path, strategies: str | Path | None, steps: Mapping[str, Any] | None) -> Explanation:
    agent = load_agent(path)
    env = _env_of(agent.spec, path)
    chosen = _strategies_of(agent.spec, env, path, strategies)
    labels = (*(strategy.name for strategy in chosen), *((NEXT,) if env == "campaign" else ()))
    whole = campaign_features(chosen) if env == "campaign" else feature_names(chosen)
    names = agent.spec.feature_names or whole
    if strange := [name for name in names if name not in whole]:
        raise UsageError(f"{path} was trained on features that no env has any more, as {strange[0]}; train again")
    seen = [whole.index(name) for name in names]  # a policy may see a part
    pick: Callable[..., int] = lambda observation, mask: _pick(agent, observation[seen], mask)  # noqa: E731
    if env == "campaign":  # one that sees the target alone is one of blampert solve
        made = campaign_situations(chosen, pick, once=len(names) < len(whole))
    else:
        made = strategy_situations(chosen, pick)
    situations = [replace(it, observation=it.observation[seen]) for it in made]
    kind, found = _picks(agent, situations, labels)
    return Explanation(
        source=str(path),
        algo=agent.name,
        env=env,
        note=_NOTES.get(agent.name, ""),
        arms=labels,
        kind=kind,
        picks=found,
        changes={} if agent.name in _WITHOUT_CHOICE else changes(agent, situations, names),
        weights=_weights(agent, names, labels),
        steps=steps,
    )


def changes(agent: Agent, situations: Sequence[Situation], names: Sequence[str]) -> dict[str, float]:
    """How often the greedy pick changes when one feature takes its value in another situation.

    Args:
        agent: The policy.
        situations: Two or more, N; the mask stays that of each.
        names: Of the features.

    Returns:
        Feature (or one-hot group) to the share of the N (N - 1) swaps that change the pick, the largest first.
    """
    groups: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        groups.setdefault(next((it for start, it in _ONE_HOT.items() if name.startswith(start)), name), []).append(
            column
        )
    own = [_pick(agent, it.observation, it.mask) for it in situations]
    shares = {}
    for group, columns in groups.items():
        changed = 0
        for here, pick in zip(situations, own, strict=True):
            for other in situations:
                swapped = here.observation.copy()
                swapped[columns] = other.observation[columns]
                if not np.array_equal(swapped, here.observation):
                    changed += _pick(agent, swapped, here.mask) != pick
        shares[group] = changed / (len(situations) * (len(situations) - 1))
    return _largest_first(shares, lambda share: share)


def _pick(agent: Agent, observation: NDArray[np.float32], mask: NDArray[np.bool_]) -> int:
    """The greedy pick, always with the same generator, so that one that draws changes its pick for no other reason."""
    return agent.act(observation, mask, np.random.default_rng(0), deterministic=True)


def _picks(agent: Agent, situations: Sequence[Situation], arms: Sequence[str]) -> tuple[str, tuple[Pick, ...]]:
    """What the values are, and a pick a situation."""
    kind, found = "", []
    for it in situations:
        values: dict[str, Value | None] = {}
        if isinstance(agent, ValuingAgent):
            said = agent.values(it.observation, it.mask)
            kind = said.kind
            for arm, name in enumerate(arms):
                deviation = None if said.deviations is None else float(said.deviations[arm])
                values[name] = Value(float(said.means[arm]), deviation) if it.mask[arm] else None
        picked = "" if agent.name in _WITHOUT_CHOICE else arms[_pick(agent, it.observation, it.mask)]
        found.append(Pick(it.words, picked, values))
    return kind, tuple(found)


def _weights(agent: Agent, names: Sequence[str], arms: Sequence[str]) -> dict[str, dict[str, float]]:
    if not isinstance(agent, LinearAgent):
        return {}
    columns = agent.weights().T
    weights = {name: dict(zip(arms, map(float, row), strict=True)) for name, row in zip(names, columns, strict=True)}
    return _largest_first(weights, lambda row: max(map(abs, row.values())))


def _largest_first(values: Mapping[str, T], size: Callable[[T], float]) -> dict[str, T]:
    return dict(sorted(values.items(), key=lambda item: -size(item[1])))


def _env_of(spec: AgentSpec, path: Path) -> str:
    """Which environment's observations a policy takes.

    Raises:
        UsageError: Those of none.
    """
    arms, size = spec.n_actions, spec.observation_space.shape[0]
    if spec.action_names and spec.feature_names:
        return "campaign" if spec.action_names[-1] == NEXT else "strategy"
    if size == len(feature_names([Strategy("")] * arms)):
        return "strategy"
    if size == len(campaign_features([Strategy("")] * (arms - 1))):
        return "campaign"
    raise UsageError(
        f"{path} takes {size} features and has {arms} arms: that fits neither the strategy env nor the campaign, so "
        "its situations cannot be made up; explain a policy that Blampert trained"
    )


def _strategies_of(spec: AgentSpec, env: str, path: Path, file: str | Path | None) -> tuple[Strategy, ...]:
    """A policy's strategies, in its order.

    Raises:
        ConfigError: The file has not all of them.
    """
    count = spec.n_actions - (env == "campaign")
    if spec.action_names:
        try:
            return strategies_named(spec.action_names[:count], file)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}; give the file it was trained with: --strategies FILE") from error
    found = load_strategies(file)
    if len(found) != count:
        raise ConfigError(f"{path} knows {count} strategies without their names, the file has {len(found)}: "
                          "give the file it was trained with: --strategies FILE")  # fmt: skip
    return found
