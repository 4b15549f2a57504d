"""DSPy's optimizers on the bundled calculator, really run; the LM, that writes and reflects, is scripted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from blampert_env.coding import Coder, Strategy, load_strategies
from blampert_env.coding.strategy_file import add_strategy
from blampert_env.errors import LMUnavailable, UsageError
from blampert_env.lm import ContextOverflow
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.projects import Project, find_project
from blampert_env.training.exam import Exam, Task, open_tasks, split
from blampert_env.training.optimizing import Found, optimize

BETTER = "Write the whole function, its line of the history too."
SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
Messages = list[dict[str, str]]


def reflects(messages: Messages) -> bool:
    return "new_instruction" in messages[-1]["content"]


def writes(messages: Messages) -> str:
    """Right if told to be, if a demo is shown, and for addition; else something that every test fails."""
    name = re.findall(r"def (\w+)\(", messages[-1]["content"])[-1]
    if not (BETTER in messages[0]["content"] or len(messages) > 2 or name == "add"):
        return f"```python\ndef {name}(self, a: float, b: float) -> float:\n    return None\n```"
    guard = '    if b == 0:\n        raise ValueError("Cannot divide by zero")\n' if name == "divide" else ""
    sign = SIGNS[name]
    history = f'    self.history.append(f"{{a}} {sign} {{b}} = {{result}}")\n    return result\n'
    return f"```python\ndef {name}(self, a: float, b: float) -> float:\n{guard}    result = a {sign} b\n{history}```"


def answers(messages: Messages) -> str:
    return json.dumps({"new_instruction": BETTER}) if reflects(messages) else writes(messages)


def names(tasks: list[Task]) -> list[str]:
    return [task.target.name for task in tasks]


@pytest.fixture(scope="module")
def tasks() -> Iterator[list[Task]]:
    """The calculator's four, with addition among the two to learn from and division among the two to validate on."""
    with open_tasks([Project.load(find_project("calculator"))]) as found:
        parts = [split(found, 0.5, seed) for seed in range(50)]
        yield next([*train, *rest] for train, rest in parts if "add" in names(train) and "divide" in names(rest))


@pytest.fixture
def search(tasks: list[Task]) -> Callable[..., tuple[Found, ScriptedLM]]:
    """Runs one, from ``direct``, with 40 evaluations at the most."""

    def run(
        script: Callable[[Messages], str] = answers, optimizer: str = "gepa", start: str = "direct", budget: int = 40
    ) -> tuple[Found, ScriptedLM]:
        lm = ScriptedLM(script)
        (strategy,) = load_strategies(names=[start])
        exam = Exam(Coder(lm), tasks[:2], tasks[2:], budget=budget)
        return optimize(strategy, exam, optimizer=optimizer), lm

    return run


Search = Callable[..., tuple[Found, ScriptedLM]]


@pytest.mark.parametrize("start", ["direct", "complete-tests", "minimal"])
def test_gepa_finds_words_by_what_failing_tests_say(search: Search, start: str) -> None:
    found, lm = search(start=start)
    assert (found.better, found.before, found.after, found.ended) == (True, 0.0, 1.0, "perfect")
    assert found.best.instructions == BETTER
    assert found.evaluations == sum(not reflects(messages) for messages in lm.requests)
    assert found.reflections == 1
    (reflection,) = filter(reflects, lm.requests)
    assert "tests pass" in reflection[-1]["content"]
    assert "Error" in reflection[-1]["content"] or "assert" in reflection[-1]["content"]


def test_bootstrap_finds_demos_in_answers_that_pass(search: Search, tasks: list[Task]) -> None:
    found, lm = search(optimizer="bootstrap")
    assert (found.better, found.before, found.after, found.reflections) == (True, 0.0, 1.0, 0)
    (demo,) = found.best.demos
    assert demo["code"] in writes([{"content": "def add("}])
    assert demo["stub"] not in {task.target.source for task in tasks[2:]}, "none of the validation split"
    assert found.evaluations == len(lm.requests) == 6


@pytest.mark.parametrize("start", ["direct", "complete", "complete-tests"])
@pytest.mark.parametrize("optimizer", ["gepa", "bootstrap"])
def test_a_strategy_of_the_file_asks_what_the_search_asked(
    search: Search, tasks: list[Task], tmp_path: Path, optimizer: str, start: str
) -> None:
    found, searched = search(optimizer=optimizer, start=start)
    add_strategy(tmp_path / "found.yaml", found.best, {"by": optimizer})
    (loaded,) = load_strategies(tmp_path / "found.yaml")
    asks = ScriptedLM(writes)
    for task in tasks[2:]:
        Coder(asks).propose(task.context, loaded)
    assert asks.requests == searched.requests[-2:]
    assert optimizer == "bootstrap" or all(messages[0]["content"].startswith(BETTER) for messages in asks.requests)


def test_a_strategy_with_words_and_demos_is_a_beginning_too(search: Search, tasks: list[Task]) -> None:
    demo = {"stub": "def one():\n    '''Return 1.'''\n", "code": "def one():\n    return 1\n"}
    start = Strategy("mine", instructions="Answer.", demos=(demo,))
    lm = ScriptedLM(lambda messages: "no code")
    with suppress(UsageError):
        optimize(start, Exam(Coder(lm), tasks[:2], tasks[2:], budget=8))
    assert [message["role"] for message in lm.requests[0]] == ["user", "assistant", "user"]
    assert lm.requests[0][0]["content"].startswith("Answer.")


def test_what_is_right_from_the_beginning_cannot_be_bettered(search: Search) -> None:
    found, _ = search(lambda messages: writes([{"content": BETTER}, *messages]))
    assert (found.better, found.before, found.ended, found.evaluations) == (False, 1.0, "perfect", 2)
    assert found.best == found.start


@pytest.mark.parametrize("reply", ["no JSON", json.dumps({"new_instruction": " "}), json.dumps({"other": BETTER})])
def test_proposals_that_cannot_be_read_are_counted_and_the_budget_ends_it(search: Search, reply: str) -> None:
    found, lm = search(lambda messages: reply if reflects(messages) else writes(messages), budget=12)
    assert not found.better
    assert found.unread > 0
    assert found.evaluations == sum(not reflects(messages) for messages in lm.requests) <= 12


def test_replies_without_code_are_shown_to_the_reflecting_model(search: Search) -> None:
    found, lm = search(lambda messages: answers(messages) if reflects(messages) else "I cannot do that.", budget=8)
    assert (found.better, found.after, found.evaluations) == (False, 0.0, 8)
    (reflection, *_) = filter(reflects, lm.requests)
    assert "I cannot do that." in reflection[-1]["content"]
    assert "no code block" in reflection[-1]["content"]


def test_fewer_examples_are_reflected_on_where_not_all_fit(search: Search) -> None:
    def answer(messages: Messages) -> str:
        if reflects(messages) and messages[-1]["content"].count('"Feedback"') > 1:
            raise ContextOverflow("too long")
        return answers(messages)

    assert search(answer)[0].best.instructions == BETTER


class Stops:
    """Answers until a call, which raises."""

    def __init__(self, call: int, error: BaseException, script: Callable[[Messages], str]) -> None:
        self.left, self.error, self.script = call, error, script

    def __call__(self, messages: Messages) -> str:
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.script(messages)


def half(messages: Messages) -> str:
    """As told, but division is beyond it: there is always something left to find."""
    return "I cannot." if "def divide(" in messages[-1]["content"] and not reflects(messages) else answers(messages)


@pytest.mark.parametrize(("optimizer", "calls", "after"), [("gepa", 12, 0.5), ("bootstrap", 6, 0.0)])
@pytest.mark.parametrize(
    ("error", "ended", "trouble"),
    [(KeyboardInterrupt(), "interrupted", ""), (LMUnavailable("it is gone"), "failed", "it is gone")],
)
def test_what_ends_it_on_the_way_leaves_the_best_so_far(
    search: Search, optimizer: str, calls: int, after: float, error: BaseException, ended: str, trouble: str
) -> None:
    found, lm = search(Stops(calls, error, half), optimizer=optimizer)
    assert (found.ended, found.trouble, len(lm.requests)) == (ended, trouble, calls)
    assert (found.before, found.after, found.better) == (0.0, after, after > 0)
    assert (found.best.instructions == BETTER) == found.better


def test_what_fails_before_anything_is_known_is_raised(search: Search) -> None:
    with pytest.raises(LMUnavailable, match="it is gone"):
        search(Stops(1, LMUnavailable("it is gone"), answers))


def test_a_reflecting_model_that_is_gone_ends_it(search: Search) -> None:
    def answer(messages: Messages) -> str:
        if reflects(messages):
            raise LMUnavailable("nobody reflects")
        return writes(messages)

    found, _ = search(answer)
    assert (found.ended, found.trouble, found.better) == ("failed", "nobody reflects", False)


def test_a_budget_that_compares_nothing_is_refused(search: Search) -> None:
    with pytest.raises(UsageError, match="gepa needs 8 evaluations at least"):
        search(budget=7)


@pytest.mark.skipif(find_spec("optuna") is not None, reason="optuna is there")
def test_mipro_names_the_package_that_it_needs(search: Search) -> None:
    with pytest.raises(UsageError, match="pip install optuna"):
        search(optimizer="mipro")


@pytest.mark.skipif(find_spec("optuna") is None, reason="MIPROv2 needs optuna")
def test_mipro_finds_words_or_demos(search: Search) -> None:
    def answer(messages: Messages) -> str:
        fields = re.findall(r"\[\[ ## (\w+) ## \]\]", messages[0]["content"] + messages[-1]["content"])
        return "".join(f"[[ ## {name} ## ]]\n{BETTER}\n\n" for name in fields) or writes(messages)

    found, _ = search(answer, optimizer="mipro")
    assert (found.better, found.after) == (True, 1.0)
