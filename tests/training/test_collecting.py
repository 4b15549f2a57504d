"""Filling the sample pool, over real HTTP: what is asked, in which order, how much at once, what stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from blampert_env.coding import Coder, Strategy, load_strategies
from blampert_env.envs.registration import make_env
from blampert_env.errors import StorageError, UsageError
from blampert_env.lm import LanguageModel, NotInPool, SamplePool, language_model
from blampert_env.lm.clients import OpenAIClient
from blampert_env.projects import Project, find_project
from blampert_env.training.collecting import Collection, Sample, wanted
from tests.chat_server import ChatServer

STRATEGIES = [Strategy("greedy"), Strategy("warm", temperature=0.8), Strategy("tests", show=frozenset({"tests"}))]


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> ChatServer:
    monkeypatch.setattr(language_model, "_PAUSE_S", 0.001)
    return ChatServer()


@pytest.fixture
def make_lm(chat: ChatServer, serve: Callable[..., str], tmp_path: Path) -> Callable[[], LanguageModel]:
    """The same model and pool, as another process would have them."""
    address = serve(chat)

    def make(samples: int = 3, pool: Path = tmp_path / "samples.sqlite3") -> LanguageModel:
        client = OpenAIClient("openai/tiny", "tiny", f"{address}/v1", timeout_s=5.0)
        return LanguageModel("openai/tiny", client, pool=SamplePool(pool, samples))

    return make


def calculator() -> Project:
    return Project.load(find_project("calculator"))


def plan(lm: LanguageModel, strategies: Sequence[Strategy] = STRATEGIES) -> list[Sample]:
    return wanted([calculator()], strategies, Coder(lm))


def counts(collection: Collection) -> dict[str, tuple[int, int, int, int]]:
    return {name: (one.asked, one.drawn, one.there, one.failed) for (_, name), one in collection.arms.items()}


def test_only_ways_that_need_no_attempt_are_asked_at_first() -> None:
    names = [strategy.name for strategy in load_strategies() if not strategy.needs_attempt]
    assert names == ["complete", "complete-tests", "complete-sample", "direct", "complete-siblings", "minimal", "plan"]


def test_what_is_there_is_not_asked_again(make_lm: Any, chat: ChatServer) -> None:
    heard: list[tuple[str, int, int]] = []
    first = Collection(plan(make_lm()))
    first.run(lambda *said: heard.append(said))
    assert counts(first) == {"greedy": (4, 4, 0, 0), "tests": (4, 4, 0, 0), "warm": (12, 12, 0, 0)}
    assert heard == [("openai/tiny", done, 20) for done in range(21)]
    again = Collection(plan(make_lm()))
    again.run(lambda *said: heard.append(said))
    assert counts(again) == {"greedy": (4, 0, 4, 0), "tests": (4, 0, 4, 0), "warm": (12, 0, 12, 0)}
    assert len(heard) == 21
    assert len(chat.bodies) == 20
    assert len({body["seed"] for body in chat.bodies}) == 20


def test_a_task_that_is_given_twice_counts_once(make_lm: Any, make_project: Any) -> None:
    lm = make_lm()
    once, again = (Project.load(make_project(name)) for name in ("one", "two"))
    assert len(wanted([once, once, again], STRATEGIES, Coder(lm))) == 5


def test_prompts_that_begin_alike_come_one_after_another(make_lm: Any, chat: ChatServer) -> None:
    Collection(plan(make_lm()), jobs=1).run()
    stubs = [prompt.split("It must")[0] for prompt in chat.prompts]
    names = ("add", "subtract", "multiply", "divide")
    asked = [next(name for name in names if f"def {name}(" in stub) for stub in stubs]
    assert len(asked) == 20
    assert sum(before != after for before, after in pairwise(asked)) == 3
    assert chat.most == 1


def test_several_are_in_flight(make_lm: Any, chat: ChatServer) -> None:
    chat.delay_s = 0.05
    Collection(plan(make_lm()), jobs=3).run()
    assert chat.most == 3
    assert len(chat.bodies) == 20


def test_what_a_server_refuses_is_counted_and_the_rest_is_drawn(make_lm: Any, chat: ChatServer) -> None:
    chat.answer = lambda body: 400 if "def divide(" in body["messages"][0]["content"].split("It must")[0] else "fine"
    collection = Collection(plan(make_lm()))
    collection.run()
    assert counts(collection) == {"greedy": (4, 3, 0, 1), "warm": (12, 9, 0, 3), "tests": (4, 3, 0, 1)}
    (reason,) = collection.arms["openai/tiny", "warm"].why
    assert "answered 400: no luck" in reason
    assert collection.trouble == []


@pytest.mark.parametrize("status", [401, 503])
def test_a_model_that_goes_away_is_given_up_and_what_was_drawn_stays(
    make_lm: Any, chat: ChatServer, status: int
) -> None:
    chat.answer = lambda body: "fine" if len(chat.bodies) <= 6 else status
    lm = make_lm()
    collection = Collection(plan(lm), jobs=2)
    collection.run()
    assert (collection.drawn, collection.failed, lm.pool.count()) == (6, 14, 6)
    assert len(collection.trouble) == 1
    assert f"answered {status}" in collection.trouble[0]
    assert len(chat.bodies) < 20, "it is not asked for the others"
    chat.answer = lambda body: "fine"
    again = Collection(plan(make_lm()))
    again.run()
    assert (again.drawn, again.failed) == (14, 0)


def test_a_pool_that_breaks_is_one_error(make_lm: Any, chat: ChatServer, tmp_path: Path) -> None:
    lm = make_lm()
    collection = Collection(plan(lm))
    lm.close()
    for file in tmp_path.glob("samples.sqlite3*"):
        file.unlink()
    (tmp_path / "samples.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="is damaged"):
        collection.run()


def test_a_model_without_a_pool_is_refused(make_lm: Any) -> None:
    lm = make_lm()
    lm.pool = None
    with pytest.raises(UsageError, match="no sample pool to fill"):
        plan(lm)


def play(env: gym.Env[Any, Any], episodes: int = 2) -> None:
    rng = np.random.default_rng(0)
    for seed in range(episodes):
        env.reset(seed=seed)
        ended = False
        while not ended:
            action = int(rng.choice(np.flatnonzero(env.unwrapped.action_masks())))  # type: ignore[attr-defined]
            *_, terminated, truncated, info = env.step(action)
            assert info["lm_calls"] == 1
            ended = terminated or truncated
    env.close()


@pytest.mark.parametrize("samples", [2, None])
def test_an_env_plays_from_what_was_collected(
    chat: ChatServer, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, samples: int | None
) -> None:
    """Several projects, episodes and ways of asking; nobody is asked, and what was not collected is an error."""
    from blampert_env.lm import resolve

    monkeypatch.setenv("OPENAI_API_BASE", f"{serve(chat)}/v1")
    chat.answer = lambda body: f"```python\ndef add(self, a, b):\n    return {body['seed']}\n```"
    names = ["complete", "complete-tests", "complete-sample", "direct", "minimal", "plan"]
    pool = tmp_path / "samples.sqlite3"
    kept: dict[str, Any] = {} if samples is None else {"samples": samples}
    lm = resolve("openai/tiny", pool=pool, **kept)
    Collection(wanted([calculator()], load_strategies(names=names), Coder(lm)), jobs=4).run()
    asked = len(chat.bodies)
    assert asked == 4 * (3 + 3 * (samples or 8))
    only: dict[str, Any] = {"lm": "openai/tiny", "pool": pool, "pool_only": True, **kept, "max_attempts": 8}
    play(make_env("calculator", strategies=names, **only))
    assert len(chat.bodies) == asked
    other = make_env("math_operations", strategies=names, **only)
    other.reset(seed=0)
    with pytest.raises(NotInPool):
        other.step(0)
    other.close()


def test_of_one_function_what_is_shown_of_the_project_stays_the_same(
    chat: ChatServer, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_project: Any
) -> None:
    """Edits of the target itself do not show in its own prompt."""
    from blampert_env.lm import resolve

    monkeypatch.setenv("OPENAI_API_BASE", f"{serve(chat)}/v1")
    chat.answer = lambda body: f"```python\ndef double(x):\n    return helper(x) + {body['seed']}\n```"
    code = 'def helper(x):\n    return x\n\n\ndef double(x):\n    """helper(x), twice."""\n    # TODO: implement\n'
    test = "from tiny import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
    folder = make_project(**{"tiny.py": code, "test_tiny.py": test})
    pool, names = tmp_path / "samples.sqlite3", ["complete-siblings", "complete"]
    coder = Coder(resolve("openai/tiny", pool=pool))
    Collection(wanted([Project.load(folder)], load_strategies(names=names), coder)).run()
    assert sum("def helper" in prompt for prompt in chat.prompts) == 8, "the samples of complete-siblings"
    play(make_env(folder, strategies=names, lm="openai/tiny", pool=pool, pool_only=True, max_attempts=6))
