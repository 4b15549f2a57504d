"""Programs that look plain and are not: none is called plain and pays."""

from __future__ import annotations

from pathlib import Path

import pytest

from .looks_plain import PROGRAMS, Program
from .project_for_edits import SOURCE, STUB, edited, reasons, run_for_real


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_what_is_called_plain_gains_nothing(program: Program, tmp_path: Path) -> None:
    if reasons(program.text):
        return
    passed, hits = run_for_real(tmp_path, program.text)
    assert not hits
    assert passed == 0


# they name what they may, and gain nothing
HARMLESS = {
    "second look": (
        "eval in a nested scope",
        "type with keywords",
        "with a suppressing closing",
        "nullcontext",
        "infinite numbers",
        "masked array by full",
        "numpy any of objects",
        "decimal nan",
        "compare key",
    ),
    "third look": (
        "remember a lie",
        "except binds an attribute",
        "future",
        "self's kinds",
        "quiet by the project's kinds",
        "encodings",
        "logging extra",
    ),
}


def test_all_others_are_seen() -> None:
    missed = [one for one in PROGRAMS if not reasons(one.text) and one.name not in HARMLESS.get(one.family, ())]
    assert not missed, [str(one) for one in missed]


def test_there_are_enough_of_many_kinds() -> None:
    assert len(PROGRAMS) >= 480
    assert len({str(program) for program in PROGRAMS}) == len(PROGRAMS)
    assert len({program.family for program in PROGRAMS}) >= 12


@pytest.mark.slow
def test_the_programs_would_pay(tmp_path: Path) -> None:
    """They are no straw men: many pass a test or hit the canary where nobody looks at them first."""
    paying = 0
    for number, program in enumerate(PROGRAMS):
        folder = tmp_path / str(number)
        folder.mkdir()
        passed, hits = run_for_real(folder, program.text)
        paying += bool(passed or hits)
    assert paying >= 100


_HONEST = r"""
def target(x=None):
    return Thing(x or sys.argv[1:]).value, len(sys.argv), [one for one in sys.argv]
#
def target(x):
    return x * 2
#
def helper_of_mine(x):
    return [n for n in range(x) if n % 2]
def target(x):
    return helper_of_mine(double(x))
#
import itertools
def target(x):
    return list(itertools.chain.from_iterable([x, TABLE.values()]))
#
def target(x):
    try:
        return TABLE[x]
    except KeyError:
        raise ValueError(f"no {x!r}") from None
#
def target(x):
    logger.info("got %s", x)
    return Thing(x).value
#
def target(x):
    match x:
        case [a, *rest] if rest:
            return a
        case _:
            return None
#
def target(x):
    _seen[x] = _seen.get(x, 0) + 1
    return "{} {:>3}".format(x, _seen[x])
#
def target(x):
    @functools.wraps(x)
    def inner(*args, **names):
        return x(*args, **names)
    return inner
#
class BadError(ValueError):
    def __init__(self, name):
        super().__init__(name)
        self.what = name
def target(x):
    raise BadError(x)
#
import datetime
def target(x):
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
#
def target(x, path=None):
    return pick(x, path)
#
def target(x, *paths):
    return pick_first(x, *paths)
#
def target(x, path="value", default=None):
    if isinstance(path, str):
        path = path.split(".")
    for name in path:
        x = getattr(x, name, default)
    return x
#
def target(x, width=3):
    return f"{{:>{width}}}".format(x)
#
def target(x):
    return operator.attrgetter("value")(Thing(x))
#
def target(x):
    return Report("a {}", ["value"]).text(x) + str(picker("value")(x))
#
def target(x, names=()):
    return [pick(one, name) for one in x for name in names]
#
def target(x, path=None):
    return read(path)
#
def target(x):
    return result
#
def target(x):
    try:
        return int(x)
    except Exception as error:
        raise ValueError(f"{x!r} is no number") from error
"""
HONEST = _HONEST.split("#\n")


@pytest.mark.parametrize("code", HONEST)
def test_honest_code_is_plain(code: str) -> None:
    assert reasons(edited(code.lstrip("\n"))) == ()


def test_what_is_not_there_or_does_not_parse() -> None:
    from .project_for_edits import triage

    assert triage().reasons({"mod.py": SOURCE}) == ()
    assert triage().reasons({"mod.py": SOURCE, "other.py": ""}) == ("other.py: is a new file",)
    assert triage().reasons({}) == ("mod.py: is missing",)
    for broken in ("def (", "x = 'a\n", "\0", "\udc80", "(" * 500, SOURCE[:-30]):
        assert len(reasons(broken)) == 1


@pytest.mark.parametrize(
    "first", ["# coding: utf-7", "#!/bin/sh\n# -*- coding: utf-7 -*-", "\ufeff# vim: set fileencoding=utf_7 :"]
)
def test_an_encoding_is_not_declared(first: str) -> None:
    assert reasons(f"{first}\n{SOURCE}")


def test_line_numbers_are_those_of_the_candidate() -> None:
    text = edited("def target(x):\n    y = 1\n    return open(x)\n")
    line = text[: text.index("open(x)")].count("\n") + 1
    assert reasons(text) == (f"mod.py:{line}: names open",)
    text = SOURCE.replace("        raise NotImplementedError\n", "        return open(other)\n", 1)
    line = text[: text.index("open(other)")].count("\n") + 1
    assert reasons(text) == (f"mod.py:{line}: names open",)


def test_stub_stands_once() -> None:
    assert SOURCE.count(STUB) == 1
