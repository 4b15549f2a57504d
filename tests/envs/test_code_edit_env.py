from __future__ import annotations

import os
import random
import string
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.editing import REASONS, Edit
from blampert_env.envs import CodeEditEnv
from blampert_env.envs.session import OUTCOMES

ADD = "def add(self, a: float, b: float) -> float:\n    result = a + b\n"
KEEP = '    self.history.append(f"{a} + {b} = {result}")\n    return result\n'


@pytest.fixture
def env() -> CodeEditEnv:
    return CodeEditEnv("calculator", timeout_s=2.0)


@pytest.mark.parametrize(
    "action",
    [
        ADD + KEEP,
        "# target: calculator.py::Calculator.add\n" + ADD + KEEP,
        Edit("calculator.py::Calculator.add", ADD + KEEP),
    ],
)
def test_three_ways_to_say_an_edit(env: CodeEditEnv, action: str | Edit) -> None:
    env.reset(seed=0)
    observation, reward, terminated, _, info = env.step(action)
    assert info["outcome"] == "improved"
    assert info["target"] == "calculator.py::Calculator.add"
    assert info["accepted"]
    assert reward == pytest.approx(sum(info["reward_terms"].values()))
    assert reward > 0
    assert not terminated
    assert "result = a + b" in observation["source"]
    env.close()


def test_the_code_never_gets_worse(env: CodeEditEnv) -> None:
    env.reset(seed=0)
    env.step(ADD + KEEP)
    good = dict(env.session.files)
    _, reward, _, _, info = env.step("def add(self, a, b):\n    return a - b\n")
    assert info["outcome"] == "worse"
    assert not info["accepted"]
    assert info["reward_terms"]["progress"] == 0.0
    assert reward < 0
    assert env.session.files == good
    env.close()


def test_an_edit_that_breaks_the_import_is_not_kept_even_where_nothing_passes(env: CodeEditEnv) -> None:
    env.reset(seed=0)
    assert env.grader.baseline.passed == 0
    *_, info = env.step("import no_such_module\n\n\ndef add(self, a, b):\n    return no_such_module.add(a, b)\n")
    assert info["outcome"] == "worse"
    assert not info["accepted"]
    env.close()


def test_accept_always_keeps_a_worse_edit_and_pays_for_it() -> None:
    with CodeEditEnv("calculator", accept="always") as env:
        env.reset(seed=0)
        env.step(ADD + KEEP)
        *_, info = env.step("def add(self, a: float, b: float) -> float:\n    return a - b\n")
        assert info["accepted"]
        assert info["reward_terms"]["progress"] < 0


def test_progress_over_an_episode_is_at_most_one(make_project: Callable[..., Path]) -> None:
    with CodeEditEnv(make_project()) as env:
        env.reset(seed=0)
        _, reward, terminated, _, info = env.step("def double(x):\n    return x + x\n")
        assert terminated
        assert info["reward_terms"]["progress"] == 1.0
        assert info["reward_terms"]["solved"] == 0.5
        assert reward == pytest.approx(1.48)


def test_no_reward_without_an_edit(env: CodeEditEnv) -> None:
    env.reset(seed=0)
    _, reward, terminated, _, info = env.step("")
    assert reward < 0
    assert not terminated
    assert info["outcome"] == "no_code"
    env.close()


def test_reset_goes_back_to_the_untouched_project(env: CodeEditEnv) -> None:
    first, _ = env.reset(seed=0)
    env.step(ADD + KEEP)
    again, info = env.reset(seed=0)
    assert again == first
    assert info["tests_passed"] == env.grader.baseline.passed
    env.close()


HOSTILE = {
    "hang": "while True: pass",
    "exit": "import os; os._exit(0)",
    "sys_exit": "raise SystemExit(0)",
    "fork": "import os\n    for _ in range(5):\n        if os.fork() == 0:\n            import time; time.sleep(60)",
    "daemon": "import os\n    if os.fork() == 0:\n        os.setsid()\n        import time; time.sleep(60)",
    "print": "import sys\n    for _ in range(100): sys.stdout.write('x' * 2**20)",
    "kill": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "recursion": "return self.add(a, b)",
    "memory": "x = 'y' * (8 << 30)",
    "files": "open('left_behind.txt', 'w').write('x' * 1000)",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_code_is_an_outcome(env: CodeEditEnv, kind: str) -> None:
    env.reset(seed=0)
    files = dict(env.session.files)
    started = time.monotonic()
    *_, info = env.step(f"def add(self, a: float, b: float) -> float:\n    {HOSTILE[kind]}\n")
    assert time.monotonic() - started < 2.0 + 3.0
    assert info["outcome"] in ("timeout", "crashed", "same", "worse")
    if info["outcome"] in ("timeout", "crashed"):
        assert env.session.files == files
    assert not list(Path().glob("left_behind*"))
    env.close()


def random_edit(rng: random.Random) -> str:
    """Garbage, huge, unicode, hostile or nearly right."""
    kind = rng.randrange(7)
    if kind == 0:
        return "".join(rng.choices(string.printable, k=rng.randrange(2000)))
    if kind == 1:
        return "".join(
            chr(rng.choice([rng.randrange(128), rng.randrange(0x10FFFF)])) for _ in range(rng.randrange(300))
        )
    if kind == 2:
        return "def add(self, a: float, b: float) -> float:\n    return '" + "z" * rng.randrange(10**6) + "'\n"
    if kind == 3:
        return "def add(self, a: float, b: float) -> float:\n    " + "(" * rng.randrange(5000) + "\n"
    name = rng.choice(["add", "subtract", "multiply", "divide", "modulo"])
    head = f"def {name}(self, a: float, b: float) -> float:\n    "
    if kind == 4:
        return head + rng.choice(list(HOSTILE.values())).replace("self.add", f"self.{name}") + "\n"
    return (
        head + rng.choice(["return a + b", "return a - b", "return a * b", "result = a / b\n    return result"]) + "\n"
    )


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_random_edits_never_raise_hang_or_leave_anything(count: int, scratch: Path) -> None:
    """The ``scratch`` fixture checks that no process and no folder of a grader is left."""
    rng = random.Random(count)
    before = set(os.listdir())
    known = {*OUTCOMES, *REASONS}
    with CodeEditEnv("calculator", timeout_s=1.0, max_attempts=10_000) as env:
        env.reset(seed=0)
        passed = 0
        for _ in range(count):
            started = time.monotonic()
            observation, _, terminated, _, info = env.step(random_edit(rng))
            # the limit counts from the start of pytest; starting an interpreter takes long on a busy machine
            assert time.monotonic() - started < 1.0 + 10.0
            assert info["outcome"] in known
            assert info["tests_passed"] >= passed, "the code never gets worse"
            assert observation in env.observation_space
            passed = info["tests_passed"]
            if terminated:
                passed = env.reset()[1]["tests_passed"]
    assert set(os.listdir()) == before
