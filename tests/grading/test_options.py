"""Which of a project's own pytest options hold while candidates are graded."""

from __future__ import annotations

import shlex

import pytest

from blampert_env.grading.options import kept_options


@pytest.mark.parametrize(
    ("addopts", "arguments", "kept"),
    [
        ("-ra -q --strict-markers", [], "--strict-markers"),
        ("--cov=pkg --cov-report term-missing -m 'not slow'", [], "-m 'not slow'"),
        ("--cov pkg --doctest-modules", [], "--doctest-modules"),
        ("--cov tests --doctest-modules", ["tests"], "--doctest-modules"),
        ("-n auto --dist loadfile -k fast", [], "-k fast"),
        ("-n4 -x --maxfail 3 --lf", [], ""),
        ("-r a -k fast -n 4", [], "-k fast"),
        ("--doctest-modules src tests", ["src", "tests"], "--doctest-modules"),
        ("-p no:cacheprovider -p mine", [], "-p mine"),
        ("-p xdist --import-mode=importlib", [], "--import-mode=importlib"),
        ("--ignore=docs -W error --tb short --durations=3", [], "--ignore=docs -W error"),
        ("-vv -s -rxX --color=yes -l", [], ""),
        ("-o xfail_strict=true --runxfail", [], "-o xfail_strict=true --runxfail"),
    ],
)
def test_kept(addopts: str, arguments: list[str], kept: str) -> None:
    assert kept_options(shlex.split(addopts), arguments) == shlex.split(kept)
