"""Where the kernel lacks a layer: grading still works, leaves nothing, and says what is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from blampert_env.errors import GraderError
from blampert_env.grading import Grader, server
from blampert_env.projects import Project

from ..processes import below
from .conftest import SOLVED, TESTS

NAMESPACES = tuple(f"{name}-namespace" for name in ("mount", "pid", "ipc", "uts", "network", "user"))
SINGLY = [name for name in NAMESPACES if name != "ipc-namespace"]  # comes with the user namespace, too
DAEMON = f"""\
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(100)
    os._exit(0)
{SOLVED}"""


@pytest.fixture
def reduced(missing: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[server.Server]:
    """A server without some layers, for graders of this test."""
    made = server.Server(sys.executable, tuple(name for name in NAMESPACES if name not in missing))
    monkeypatch.setitem(server._servers, (sys.executable, None), made)
    yield made
    made.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
@pytest.mark.parametrize("missing", [*((name,) for name in SINGLY), NAMESPACES[:2], NAMESPACES])
@pytest.mark.filterwarnings("ignore:the sandbox lacks")
def test_without(project_of: Callable[..., Project], missing: tuple[str, ...], reduced: server.Server) -> None:
    project = project_of(f"{TESTS}\n# without {missing}")  # what is found out of a project is found out once
    grader = Grader(project, cache_size=0)
    assert grader.grade({"tiny.py": SOLVED}).all_passed
    assert not set(missing) & set(grader.layers)
    assert grader.grade({"tiny.py": "import os\nos._exit(4)\n"}).verdict == "crashed"  # now each zygote is there
    idle = len(below(reduced.process.pid))
    assert grader.grade({"tiny.py": DAEMON}).all_passed
    assert grader.grade({"tiny.py": "import os\nos._exit(3)\n"}).verdict == "crashed"
    assert len(below(reduced.process.pid)) == idle
    if {"mount-namespace", "pid-namespace", "network-namespace"} - set(grader.layers):
        with pytest.raises(GraderError, match="namespace"):
            Grader(project, isolation="strict").grade({})
