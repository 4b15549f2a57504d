"""Tests of unfinished code that wait for what never comes are failed after a while, each by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from typing import Any

_AGAIN_S = 0.1  # in what goes on after a failure: subtests, an except clause


class Patience:
    """A pytest plugin that fails a test which takes too long; for tests that leave SIGALRM alone.

    Args:
        seconds: How long set-up, call and tear-down may take, each.
        longer: The same for tests that need more, by id.
    """

    def __init__(self, seconds: float, longer: Mapping[str, float]) -> None:
        self.seconds, self.longer = seconds, longer
        signal.signal(signal.SIGALRM, self._give_up)

    def _give_up(self, *_: Any) -> None:
        import pytest

        pytest.fail("did not finish within ten times what right code takes")

    def pytest_runtest_setup(self, item: Any) -> Iterator[None]:
        """A phase of a test; the same for the others."""
        signal.setitimer(signal.ITIMER_REAL, self.longer.get(item.nodeid, self.seconds), _AGAIN_S)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)

    pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup
    pytest_runtest_setup.pytest_impl = {"hookwrapper": True}  # type: ignore[attr-defined]
