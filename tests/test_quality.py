"""Code quality by the real ruff and radon: what raises and lowers each part, and that it is the same each time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blampert_env.envs import CodeEditEnv
from blampert_env.errors import UsageError
from blampert_env.projects import bundled_projects, load_solution
from blampert_env.quality import measure, measure_all

DOCSTRING = '''
    """Read whole numbers, one a line.

    Raises:
        ValueError: A line is no number.
    """'''
GOOD = f"""
def load(path: str) -> list[int]:{DOCSTRING}
    with open(path, encoding="utf-8") as file:
        return [int(line) for line in file]
"""
NESTED = "".join(f"{'    ' * depth}if a > {depth}:\n" for depth in range(1, 12)) + "    " * 12 + "return 1\n"


@pytest.mark.parametrize(
    ("part", "worse", "finding"),
    [
        ("documentation", GOOD.replace(DOCSTRING, ""), "D103"),
        ("error_handling", GOOD + "\n    try:\n        pass\n    except:\n        pass\n", "E722"),
        ("error_handling", GOOD + "\n    try:\n        f()\n    except Exception:\n        pass\n", "BLE001"),
        (
            "error_handling",
            GOOD + "\n    try:\n        f()\n    except KeyError as e:\n        raise ValueError('x')\n",
            "B904",
        ),
        ("structure", GOOD + "\n    unused = 1\n", "F841"),
        ("structure", GOOD + "\n    # TODO: the rest\n", "FIX002"),
        ("structure", GOOD + "\n    # old = [int(x) for x in y]\n", "ERA001"),
        ("structure", "def f(a):\n    '''Nest.'''\n" + NESTED, "SIM102"),
    ],
)
def test_each_part_falls_for_its_own_reason(part: str, worse: str, finding: str) -> None:
    good, bad = measure(GOOD), measure(worse)
    assert (good.documentation, good.error_handling, good.structure, dict(good.findings)) == (1.0, 1.0, 1.0, {})
    assert getattr(bad, part) < 1.0
    assert finding in bad.findings
    assert bad.score < good.score == 1.0


def test_complexity_counts_as_radon_has_it() -> None:
    branches = "".join(f"    if a == {n}:\n        b += {n}\n" for n in range(9))
    plain = measure(f"def f(a, b):\n    '''Add.'''\n{branches}    return b\n")
    assert plain.structure == pytest.approx((25 - 10) / 20)


def test_noqa_and_the_users_own_settings_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text("[lint]\nignore = ['ALL']\n")
    monkeypatch.chdir(tmp_path)
    assert (
        "E722"
        in measure("def f():\n    '''Try.'''\n    try:\n        g()\n    except:  # noqa\n        h()\n").findings
    )


def test_a_method_on_its_own_is_judged_as_in_its_class() -> None:
    method = "    def add(self, a, b):\n        '''Add.'''\n        return a + b\n"
    assert measure(method) == measure("def add(self, a, b):\n    '''Add.'''\n    return a + b\n")


@settings(max_examples=20, deadline=None)
@given(st.text())
def test_any_text_gets_figures_in_range(text: str) -> None:
    quality = measure(text)
    assert all(0.0 <= value <= 1.0 for value in (quality.documentation, quality.error_handling, quality.structure))


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    sources = [GOOD, "def f(:", GOOD + "\n    unused = 1\n", ""]
    assert measure_all(sources) == [measure(source) for source in sources]


@pytest.mark.parametrize("name", bundled_projects())
def test_reference_solutions_are_good(name: str) -> None:
    for text in load_solution(bundled_projects()[name]).values():
        assert measure(text).score > 0.85


def test_the_reward_term_pays_for_good_code(make_project: Callable[..., Path]) -> None:
    rewards = []
    for source in (
        "def double(x):\n    return 2 * x\n",
        'def double(x):\n    """Return twice x."""\n    return 2 * x\n',
    ):
        env = CodeEditEnv(make_project(), rewards={"code_quality": 1.0})
        env.reset(seed=0)
        rewards.append(env.step(source)[1])
        env.close()
    assert rewards == [pytest.approx(2 / 3), 1.0]


def test_without_the_tools_it_is_one_line_that_mends_it() -> None:
    code = "import sys; sys.modules['radon.visitors'] = None\n"
    code += "from blampert_env.quality import measure; measure('def f(): pass')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip().splitlines()[-1] == (
        f"{UsageError.__module__}.UsageError: code quality needs ruff and radon: pip install 'blampert[quality]'"
    )
