"""Lanes of the server: which processors they get."""

import os
import sys

import pytest

from blampert_env.grading import Grader, lanes
from blampert_env.grading import server as module
from blampert_env.grading.jail.walls import linux
from blampert_env.grading.server import server, supported
from blampert_env.projects import Project

from ..processes import below
from .conftest import SOLVED, STUB, TESTS

pytestmark = pytest.mark.skipif(not supported(), reason="the jail needs Linux")


def test_evaluations_at_once_get_a_processor_each() -> None:
    allowed = sorted(os.sched_getaffinity(0))
    lanes = server(sys.executable)
    with lanes.lane() as first, lanes.lane() as second, lanes.lane() as third:
        assert first.cpus == allowed  # it was alone
        assert [len(lane.cpus) for lane in (second, third)] == [1, 1]
        assert len({*second.cpus, *third.cpus}) == min(2, len(allowed))
    with lanes.lane() as alone:
        assert alone.cpus == allowed


def test_a_processor_that_is_gone_is_nothing_to_stop_for() -> None:
    before = os.sched_getaffinity(0)
    linux.run_on([1 << 20])
    assert os.sched_getaffinity(0) == before


def test_projects_that_are_closed_leave_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "OPEN_PROJECTS", 2)
    held = []
    for number in range(4):
        project = Project.from_files("tiny", {"tiny.py": STUB, "test_tiny.py": f"{TESTS}\n# closed: {number}\n"})
        assert Grader(project, cache_size=0).grade({"tiny.py": SOLVED}).all_passed
        held.append(len(below(server(sys.executable).process.pid)))
    assert held[-1] == held[-2]


def test_a_base_that_was_closed_before_it_spoke() -> None:
    made = module.Server(sys.executable)
    made.close()
    for _ in range(2):
        with pytest.raises(module.ServerFailed):
            _ = made.facts
    assert not made.alive
