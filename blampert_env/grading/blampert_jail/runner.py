"""Runs pytest and reports every outcome from its hooks; also a script of its own, started by `process.py`.

    python -P -s runner.py SPEC_FILE

It must not import blampert_env: it runs under whatever interpreter the project is graded with. Each record goes to the
report pipe as one line: the token, a blank, JSON. A token keeps apart what tests write there by accident.
"""

import contextlib
import json
import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# What a report does not need and start-up time pays for. Others look unneeded, but pytest fails without them.
UNUSED = (
    "cacheprovider", "doctest", "faulthandler", "junitxml", "pastebin", "setuponly", "setupplan",
    "stepwise", "threadexception", "unraisableexception",
)  # fmt: skip
SEVERITY = ("passed", "skipped", "failed", "error")


class Reporter:
    """A pytest plugin that streams one record a test, when its last phase is over."""

    def __init__(self, fd: int, token: str) -> None:
        self.fd, self.token, self.pid = fd, token, os.getpid()
        self.outcome: str | None = None
        self.failure = ""

    def write_to(self, fd: int, token: str) -> None:
        """From now on write there; in the process that runs the tests."""
        self.fd, self.token, self.pid = fd, token, os.getpid()

    def send(self, kind: str, **fields: object) -> None:
        """Write one record."""
        self.write(self.line(kind, **fields))

    def line(self, kind: str, **fields: object) -> bytes:
        """A record as it is written."""
        return f"\n{self.token} {json.dumps({'kind': kind, **fields})}\n".encode()

    def write(self, data: bytes) -> None:
        """Write whole records."""
        if os.getpid() != self.pid:
            os._exit(0)  # a test forked and its child came back into pytest
        while data:
            data = data[os.write(self.fd, data) :]

    def pytest_collection_finish(self, session: Any) -> None:
        """Every test id, in the order of the run."""
        self.send("collected", ids=[item.nodeid for item in session.items])

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be imported, or skips itself."""
        if not report.passed:
            self.send("not_collected", id=report.nodeid, outcome=report.outcome, failure=cut(report.longreprtext))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self.outcome, self.failure = None, ""
        self.send("running", id=nodeid)

    def pytest_runtest_setup(self) -> None:
        """Unseeded draws are the same in every run."""
        random.seed(0)
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed(0)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Set-up, call or tear-down is over: the worst of them is the outcome; without a call nothing has passed."""
        if report.failed:
            self.worse("failed" if report.when == "call" else "error")
            self.failure = self.failure or cut(report.longreprtext)
        elif report.skipped:
            if not hasattr(report, "context"):  # a skipped subtest does not skip its test
                self.worse("skipped")
        elif report.when == "call":
            self.worse("passed")
        if report.when == "teardown":
            self.send("outcome", id=report.nodeid, outcome=self.outcome or "missing", failure=self.failure)

    def worse(self, outcome: str) -> None:
        """Take the outcome unless there is a worse one."""
        if self.outcome is None or SEVERITY.index(outcome) > SEVERITY.index(self.outcome):
            self.outcome = outcome


def cut(text: str) -> str:
    """Keep a pipe's worth of a huge text; the reader cuts it for good."""
    return text if len(text) <= 20_000 else text[:10_000] + "\n...\n" + text[-10_000:]


def limit(limits: Mapping[str, int]) -> None:
    """Apply resource limits, named as in the `resource` module; what the system cannot limit is skipped."""
    try:
        import resource
    except ImportError:
        return
    for name, value in limits.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))


def plugins(requirements: Sequence[str]) -> list[str]:
    """Names of the pytest plugins that the project's own requirements bring."""
    if not requirements:
        return []
    from importlib.metadata import entry_points

    points = entry_points(group="pytest11")
    return sorted({point.name for point in points if point.dist and normalised(point.dist.name) in requirements})


def normalised(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def extend_path(folders: Sequence[str]) -> None:
    """Put the project behind the standard library and before installed packages."""
    site = (i for i, entry in enumerate(sys.path) if "site-packages" in entry or "dist-packages" in entry)
    at = next(site, len(sys.path))
    sys.path[at:at] = folders


def forget_folder(folder: str) -> None:
    """Let imports see what is in and below a folder now; what they know of the standard library stays known."""
    inside = folder.rstrip(os.sep) + os.sep
    for entry in [entry for entry in sys.path_importer_cache if f"{entry}{os.sep}".startswith(inside)]:
        del sys.path_importer_cache[entry]


def outside(modules: Mapping[str, str], root: str) -> Iterator[tuple[str, str]]:
    """Modules that should be the project's and are somebody else's: (project file, file that was imported)."""
    for name, path in modules.items():
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and not os.path.realpath(file).startswith(root + os.sep):
            yield path, file


def arguments(spec: Mapping[str, Any], root: str, *, capture: str = "fd") -> list[str]:
    """Pytest's command line, without the tests."""
    found = ["-c", spec["config"], "--rootdir", root, "--confcutdir", root, "-o", "addopts="]
    found += ["-qq", "--no-summary", "--no-header", "--color=no", "--tb=short", f"--capture={capture}"]
    found += ["--import-mode=importlib", "--continue-on-collection-errors"]
    found += [argument for name in UNUSED for argument in ("-p", f"no:{name}")]
    found += [argument for name in plugins(spec["plugins"]) for argument in ("-p", name)]
    return found


def main(spec_file: str) -> None:
    """Read the specification, run, report, end without clean-up."""
    with open(spec_file, encoding="utf-8") as stream:
        spec = json.load(stream)
    os.unlink(spec_file)
    os.set_inheritable(spec["report_fd"], False)
    limit(spec["limits"])
    if hasattr(os, "nice"):
        os.nice(spec["nice"])
    root = os.getcwd()
    reporter = Reporter(spec["report_fd"], spec["token"])
    try:
        import pytest
    except ImportError as error:
        reporter.send("no_pytest", failure=str(error))
        os._exit(0)
    extend_path(spec["path"])
    reporter.send("started")
    code = pytest.main([*arguments(spec, root), *spec["tests"]], plugins=[reporter])
    for path, file in outside(spec["modules"], root):
        reporter.send("outside", path=path, file=file)
    reporter.send("finished", code=int(code))
    os._exit(0)  # no exit handlers and no waiting for threads of the tests


if __name__ == "__main__":
    main(sys.argv[1])
