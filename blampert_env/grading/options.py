"""Which of a project's own pytest options hold while candidates are graded."""

from __future__ import annotations

from collections.abc import Collection, Sequence

# Options that only show, store, repeat, stop early or distribute, with whether a value may follow as a word of its own.
_DROPPED = {
    "--cov": None, "--cov-report": True, "--cov-config": True, "--cov-branch": False, "--cov-append": False,
    "--cov-context": True, "--cov-fail-under": True, "--cov-reset": False, "--no-cov": False, "--no-cov-on-fail": False,
    "--numprocesses": True, "--dist": True, "--tx": True, "--maxprocesses": True, "--boxed": False, "--forked": False,
    "--reruns": True, "--reruns-delay": True, "--durations": True, "--durations-min": True, "--junitxml": True,
    "--junit-xml": True, "--junit-prefix": True, "--html": True, "--self-contained-html": False, "--color": True,
    "--tb": True, "--capture": True, "--show-capture": True, "--showlocals": False, "--verbose": False,
    "--verbosity": True, "--quiet": False, "--no-header": False, "--no-summary": False, "--full-trace": False,
    "--exitfirst": False, "--maxfail": True, "--lf": False, "--last-failed": False, "--ff": False,
    "--failed-first": False, "--nf": False, "--new-first": False, "--sw": False, "--stepwise": False,
    "--stepwise-skip": False, "--cache-clear": False, "--pastebin": True, "--pdb": False, "--trace": False,
    "--strict-config": False, "--setup-show": False, "--basetemp": True, "--rootdir": True, "--random-order": False,
    "--random-order-bucket": True, "--randomly-seed": True, "--instafail": False, "--force-sugar": False,
    "--log-cli-level": True, "--log-file": True, "--log-file-level": True, "--debug": False,
    "--force-short-summary": False,
}  # fmt: skip
_DROPPED_SHORT = frozenset("vqsxlr")
_NEVER_LOADED = frozenset({"xdist", "randomly", "pytest_randomly", "no:cacheprovider", "sugar", "pytest_sugar"})


def kept_options(addopts: Sequence[str], arguments: Collection[str]) -> list[str]:
    """The options that decide what is collected and what a test's outcome is.

    Args:
        addopts: The project's own, split.
        arguments: Those of them that are files and folders; they go elsewhere on the command line.
    """
    kept: list[str] = []
    words = list(addopts)
    while words:
        word = words.pop(0)
        name, equals, _ = word.partition("=")
        if word in arguments and (not kept or not kept[-1].startswith("-") or kept[-1] in _TAKES_NOTHING):
            continue
        if name in _DROPPED:
            follows = bool(words) and not equals and not words[0].startswith("-")
            if follows and (_DROPPED[name] or (_DROPPED[name] is None and words[0] not in arguments)):
                words.pop(0)
        elif word[:2] in ("-n", "-r"):
            if word in ("-n", "-r") and words:
                words.pop(0)
        elif word == "-p" and words and words[0] in _NEVER_LOADED:
            words.pop(0)
        elif not _is_about_output(word):
            kept.append(word)
    return kept


_TAKES_NOTHING = frozenset({"--doctest-modules", "--strict-markers", "--strict", "--runxfail", "--pyargs"})


def _is_about_output(word: str) -> bool:
    """``-v``, ``-qq``, ``-ra``, ``-vs``: letters that only say what is shown."""
    if word.startswith("--") or len(word) < 2 or word[0] != "-":
        return False
    letters = word[1:]
    return letters[0] == "r" or set(letters) <= _DROPPED_SHORT
