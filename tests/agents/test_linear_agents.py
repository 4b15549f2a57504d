"""The linear bandits: the regression, what they explore by, and that they learn what depends on the observation."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from blampert_agents import Agent, Episode, load_agent, make_agent
from blampert_agents.linear import LinearModels, returns, with_constant
from blampert_env.errors import UsageError

LINEAR = ("linucb", "lin-thompson")


def make(algo: str, n_features: int = 3, n_actions: int = 3, **hyperparams: Any) -> Any:
    box = spaces.Box(0.0, 1.0, (n_features,), np.float32)
    return make_agent(algo, box, spaces.Discrete(n_actions), seed=0, hyperparams=hyperparams)


def episode(observations: Any, actions: Any, rewards: Any, n_actions: int = 3) -> Episode:
    """One whose last observation is all ones, which nothing may be learnt from."""
    seen = np.asarray(observations, dtype=np.float32)
    masks = np.ones((len(actions) + 1, n_actions), dtype=bool)
    end = np.ones((1, seen.shape[1]), dtype=np.float32)
    taken, earned = np.asarray(actions, dtype=np.int64), np.asarray(rewards, dtype=np.float32)
    return Episode(np.concatenate([seen, end]), masks, taken, earned, True, False)


def drawn(rng: np.random.Generator, steps: int = 40) -> Episode:
    """Steps that mean nothing."""
    return episode(rng.random((steps, 3)), rng.integers(0, 3, steps), rng.random(steps))


class SwitchBandit:
    """The first feature, 0 or 1, says which of two arms pays with 0.8 and which with 0.2; the third pays with 0.5."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def observe(self) -> NDArray[np.float32]:
        observation = self.rng.random(3).astype(np.float32)
        observation[0] = self.rng.integers(2)
        return observation

    def play(self, agent: Agent, steps: int, *, deterministic: bool = False) -> tuple[Episode, float]:
        """An episode, and the share of steps on which the best arm was taken."""
        seen = [self.observe() for _ in range(steps)]
        mask = np.ones(3, dtype=bool)
        actions = [agent.act(observation, mask, self.rng, deterministic=deterministic) for observation in seen]
        best = [int(observation[0]) for observation in seen]
        right, third = np.equal(actions, best), np.equal(actions, 2)
        rewards = self.rng.random(steps) < np.where(third, 0.5, np.where(right, 0.8, 0.2))
        return episode(seen, actions, rewards), float(right.mean())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("algo", "least", "most"), [("linucb", 0.9, 1), ("lin-thompson", 0.9, 1), ("thompson", 0, 0.7)]
)
def test_the_best_arm_is_found_where_it_depends_on_a_feature(algo: str, least: float, most: float, seed: int) -> None:
    agent, bandit = make(algo), SwitchBandit(seed)
    for _ in range(60):
        agent.learn([bandit.play(agent, 10)[0]])
    assert least <= bandit.play(agent, 200, deterministic=True)[1] <= most
    assert least - 0.2 <= bandit.play(agent, 200)[1], "it stops exploring what is worse"


def test_the_regression_is_ridge_regression() -> None:
    agent, rng = make("linucb", ridge=2.0), np.random.default_rng(0)
    episodes = [drawn(rng), drawn(rng, 5)]
    for one in episodes:
        agent.learn([one])
    x = with_constant(np.concatenate([one.observations[:-1] for one in episodes]))
    actions = np.concatenate([one.actions for one in episodes])
    rewards = np.concatenate([one.rewards for one in episodes])
    for action in range(3):
        rows = x[actions == action]
        expected = np.linalg.solve(rows.T @ rows + 2 * np.eye(4), rows.T @ rewards[actions == action])
        assert agent.models.theta[action] == pytest.approx(expected)
        variance = (agent.models.whitened(x[0])[action] ** 2).sum()
        assert variance == pytest.approx(x[0] @ np.linalg.solve(rows.T @ rows + 2 * np.eye(4), x[0]))
    assert agent.models.means(x) == pytest.approx(x @ agent.models.theta.T)


@pytest.mark.parametrize("algo", LINEAR)
def test_metrics_are_the_predictions(algo: str) -> None:
    box = spaces.Box(0.0, 1.0, (1,), np.float32)
    agent = make_agent(algo, box, spaces.Discrete(2), seed=0, hyperparams={}, action_names=("a", "b"))
    metrics = agent.learn([episode([[0], [0]], [0, 0], [1, 0.5], 2)])
    # A is diag(1, 3) and b (0, 1.5): the constant's coefficient is 0.5
    assert metrics == pytest.approx({"train/error": 1.25 / 2, "train/value_a": 0.5, "train/value_b": 0.0})
    assert agent.learn([episode([[1]], [0], [0.5], 2)])["train/error"] == pytest.approx(0.0), "before it learns"
    assert agent.learn([]) == {} == agent.learn([episode(np.zeros((0, 1)), [], [], 2)])


def test_linucb_explores_what_it_knows_least() -> None:
    agent, mask, here = make("linucb"), np.ones(3, dtype=bool), np.zeros(3, dtype=np.float32)
    rng = np.random.default_rng(0)
    assert {agent.act(here, mask, rng) for _ in range(50)} == {0, 1, 2}, "ties are drawn"
    agent.learn([episode(np.zeros((6, 3)), [0, 0, 0, 1, 2, 2], [0.5] * 6)])
    assert agent.act(here, mask, rng) == 1
    assert make("linucb", alpha=0.0).act(here, np.array([False, False, True]), rng) == 2
    sure = make("linucb", alpha=0.0)
    sure.learn([episode(np.zeros((6, 3)), [0, 0, 0, 1, 2, 2], [0.5] * 6)])
    assert sure.act(here, mask, rng) == 0, "its mean is shrunk the least"


def test_lin_thompson_draws_from_the_posterior() -> None:
    agent, rng = make("lin-thompson", scale=0.5), np.random.default_rng(0)
    agent.learn([drawn(rng)])
    models, x = agent.models, with_constant(np.array([0.2, 0.9, 0.4], dtype=np.float32))
    scores = np.array([agent._explore(models.means(x), models.whitened(x), rng) for _ in range(4_000)])
    assert scores.mean(axis=0) == pytest.approx(models.theta @ x, abs=0.01)
    expected = 0.25 * np.array([x @ np.linalg.solve(A, x) for A in models.A])
    assert np.cov(scores.T).diagonal() == pytest.approx(expected, rel=0.1)
    assert np.abs(np.corrcoef(scores.T) - np.eye(3)).max() < 0.06, "each action has a draw of its own"


@pytest.mark.parametrize("algo", LINEAR)
def test_masks_are_obeyed_after_learning(algo: str) -> None:
    agent, rng = make(algo), np.random.default_rng(0)
    agent.learn([episode(np.zeros((20, 3)), [1] * 20, [1.0] * 20)])
    here = np.zeros(3, dtype=np.float32)
    for deterministic in (False, True):
        assert agent.act(here, np.ones(3, dtype=bool), rng, deterministic=True) == 1
        without = np.array([True, False, True])
        taken = {agent.act(here, without, rng, deterministic=deterministic) for _ in range(30)}
        assert taken <= ({0} if deterministic else {0, 2})


@pytest.mark.parametrize("algo", LINEAR)
def test_other_observations_are_refused(algo: str) -> None:
    with pytest.raises(UsageError, match=r"has shape \(4,\), the policy expects \(3,\)"):
        make(algo).act(np.zeros(4, dtype=np.float32), np.ones(3, dtype=bool), np.random.default_rng(0))


@pytest.mark.parametrize("algo", LINEAR)
@pytest.mark.parametrize(("gamma", "expected"), [(0.0, 1), (0.9, 0)])
def test_gamma_shows_what_a_first_action_is_worth(algo: str, gamma: float, expected: int) -> None:
    """Action 0 earns nothing and 1 after it whatever follows; action 1 earns 0.2, and nothing after it."""
    agent, rng, mask = make(algo, n_actions=2, n_features=2, gamma=gamma), np.random.default_rng(0), np.ones(2, bool)
    start = np.array([1, 0], dtype=np.float32)
    for _ in range(100):
        first = int(rng.integers(2))
        after = np.array([0, 1], dtype=np.float32)
        rewards = [0.0, 1.0] if first == 0 else [0.2, 0.0]
        agent.learn([episode([start, after], [first, agent.act(after, mask, rng)], rewards, 2)])
    assert agent.act(start, mask, rng, deterministic=True) == expected


def test_returns_are_discounted() -> None:
    rewards = np.array([1.0, 0.0, -2.0, 4.0], dtype=np.float32)
    assert returns(rewards, 0.5).tolist() == [1.0, 0.0, 0.0, 4.0]
    assert returns(rewards, 1.0).tolist() == [3.0, 2.0, 2.0, 4.0]
    assert returns(rewards, 0.0).tolist() == rewards.tolist()
    assert returns(rewards[:0], 0.5).tolist() == []


@pytest.mark.parametrize("algo", LINEAR)
def test_saved_in_the_middle_it_goes_on_alike(algo: str, tmp_path: Path) -> None:
    agent, rng = make(algo, gamma=0.5), np.random.default_rng(0)
    agent.learn([drawn(rng), drawn(rng)])
    agent.save(tmp_path / "p")
    loaded: Any = load_agent(tmp_path / "p")
    more, here, mask = [drawn(rng)], rng.random((50, 3)).astype(np.float32), np.ones(3, dtype=bool)
    for _ in range(2):
        first, second = (
            [one.act(observation, mask, chance) for observation in here]
            for one, chance in ((agent, np.random.default_rng(1)), (loaded, np.random.default_rng(1)))
        )
        assert first == second
        assert agent.learn(more) == loaded.learn(more)
    for name in ("A", "b", "theta", "root"):
        assert np.array_equal(getattr(agent.models, name), getattr(loaded.models, name)), name


def damage(name: str, index: tuple[int, ...], value: Any) -> Any:
    def change(state: dict[str, Any]) -> None:
        place = state[name]
        for step in index[:-1]:
            place = place[step]
        place[index[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (damage("A", (1, 0, 2), 0.5), "not symmetric"),
        (damage("A", (1, 2, 2), -1.0), "not positive definite"),
        (damage("A", (0, 0, 0), 0.0), "not positive definite"),
        (damage("A", (0, 0, 0), float("nan")), "not finite"),
        (damage("b", (2, 3), float("inf")), "not finite"),
        (damage("b", (2, 3), None), "not finite"),
        (damage("b", (2, 3), "much"), "damaged"),
        (damage("b", (2,), [0.0, 0.0]), "damaged"),
        (lambda state: state["A"].pop(), "wrong shapes"),
        (lambda state: state.update(b=[0.0] * 4), "wrong shapes"),
        (lambda state: state.pop("A"), "damaged"),
    ],
)
@pytest.mark.parametrize("algo", LINEAR)
def test_damaged_sums_are_refused(algo: str, tmp_path: Path, change: Any, message: str) -> None:
    path = tmp_path / "p"
    make(algo).save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content["state"])
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError, match=message) as caught:
        load_agent(path)
    assert "\n" not in str(caught.value)


def test_models_are_never_written_to() -> None:
    models = LinearModels.new(3, 3, 1.0)
    kept = models.A.copy()
    models.updated(np.ones((2, 4)), np.array([0, 2]), np.ones(2))
    assert np.array_equal(models.A, kept)
    assert not models.b.any()


@pytest.mark.parametrize("algo", LINEAR)
def test_acting_while_learning(algo: str) -> None:
    agent, mask, errors = make(algo), np.ones(3, dtype=bool), []

    def act(seed: int) -> None:
        rng = np.random.default_rng(seed)
        try:
            for _ in range(200):
                agent.act(rng.random(3).astype(np.float32), mask, rng)
        except Exception as error:  # a thread's is lost otherwise
            errors.append(error)

    def learn(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(30):
            agent.learn([drawn(rng)])

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(2) for run in (act, learn)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert agent.models.A[:, -1, -1].sum() == 3 + 2 * 30 * 40, "no update was lost"


@pytest.mark.parametrize("algo", LINEAR)
def test_acting_is_quick(algo: str) -> None:
    agent, mask, rng = make(algo, 50, 10), np.ones(10, dtype=bool), np.random.default_rng(0)
    here = rng.random(50).astype(np.float32)
    best = float("inf")
    for _ in range(50):
        start = time.perf_counter()
        agent.act(here, mask, rng)
        best = min(best, time.perf_counter() - start)
    assert best < 0.005, "about 0.1 ms: the factors are kept between updates"
