"""Runs pytest and reports every outcome from its hooks; :func:`main` is a whole run without a jail (`cold.py`).

Each record goes to the report pipe as one line: the token, a blank, JSON. A token keeps apart what tests write there by
accident.
"""

import contextlib
import importlib.util
import json
import os
import random
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..paths import extend_path, outside
from ..walls.limits import limit

# Plugins that only show, store or repeat results, or that change which tests run where and in what order.
BLOCKED = (
    "faulthandler", "pastebin", "setuponly", "setupplan", "stepwise",
    "xdist", "xdist.looponfail", "randomly", "random_order", "sugar", "html", "instafail", "pretty", "rich", "clarity",
    "picked", "testmon", "watch",
)  # fmt: skip
_EARLY = "Module already imported so cannot be rewritten"  # plugins are loaded before any project is opened
SEVERITY = ("passed", "skipped", "failed", "error")
ALL_TEXTS = 1 << 30


class Reporter:
    """A pytest plugin that streams one record a test, when its last phase is over.

    An outcome goes with the record that follows it: one wake-up of the reader less.

    Attributes:
        kept: Records from before there is a pipe: what the collection found.
        texts: How many failures still get a text. Forming one costs several times what a passing test does.
        preferred: Ids of tests whose failures get one in any case.
        twins: Ids of tests that are made wrong in this run; their failures get none.
        names: Ids to what the trainer calls these tests, where they vary by process.
    """

    def __init__(self, fd: int = -1, token: str = "") -> None:
        self.fd, self.token, self.pid = fd, token, os.getpid()
        self.outcome: str | None = None
        self.failure = ""
        self.began = 0.0
        self.waiting = b""
        self.kept: list[dict[str, Any]] = []
        self.texts = ALL_TEXTS
        self.preferred: frozenset[str] = frozenset()
        self.twins: frozenset[str] = frozenset()
        self.names: Mapping[str, str] = {}

    def write_to(self, fd: int, job: Mapping[str, Any]) -> None:
        """From now on write there what a job asks for; in the process that runs the tests."""
        self.fd, self.token, self.pid = fd, job["token"], os.getpid()
        self.show(job)

    def show(self, job: Mapping[str, Any]) -> None:
        """Give those failures a text, and tests those names, that a job asks for."""
        self.names = job.get("names", {})
        self.texts, self.preferred, self.twins = job["texts"], frozenset(job["first"]), frozenset(job["wanted"])

    def send(self, kind: str, **fields: object) -> None:
        """Write one record, or keep it until there is a pipe."""
        if self.fd < 0:
            self.kept.append({"kind": kind, **fields})
            return
        self.waiting += self.line(kind, **fields)
        if kind != "outcome":
            data, self.waiting = self.waiting, b""
            self.write(data)

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
        self.outcome, self.failure, self.began = None, "", now()
        self.send("running", id=self.names.get(nodeid, nodeid))

    def pytest_runtest_setup(self) -> None:
        """Unseeded draws are the same in every run."""
        random.seed(0)
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed(0)

    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """A failure without a text, once enough have theirs; pytest forms what did not fail."""
        if call.excinfo is None:
            return None
        from _pytest.outcomes import Skipped
        from _pytest.reports import TestReport

        if isinstance(call.excinfo.value, Skipped):
            return None
        if (self.texts > 0 or item.nodeid in self.preferred) and item.nodeid not in self.twins:
            with line_by_line():
                return TestReport.from_item_and_call(item, call)
        keywords: Any = dict.fromkeys(item.keywords, 1)
        return TestReport(item.nodeid, item.location, keywords, "failed", None, call.when, duration=call.duration)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Set-up, call or tear-down is over: the worst of them is the outcome; without a call nothing has passed."""
        if report.failed:
            self.worse("failed" if report.when == "call" else "error")
            if report.longrepr is not None and not self.failure:
                self.failure = cut(report.longreprtext)
        elif report.skipped:
            if not hasattr(report, "context"):  # a skipped subtest does not skip its test
                self.worse("skipped")
        elif report.when == "call":
            self.worse("passed")
        if report.when == "teardown":
            self.texts -= bool(self.failure)
            took = round(now() - self.began, 5)
            test = self.names.get(report.nodeid, report.nodeid)
            self.send("outcome", id=test, outcome=self.outcome or "missing", failure=self.failure, s=took)

    def worse(self, outcome: str) -> None:
        """Take the outcome unless there is a worse one."""
        if self.outcome is None or SEVERITY.index(outcome) > SEVERITY.index(self.outcome):
            self.outcome = outcome


@contextlib.contextmanager
def line_by_line() -> Iterator[None]:
    """Tracebacks are formed without parsing each file that they name: the short style shows a statement's line only."""
    from _pytest._code import code

    module: Any = code
    original = module.getstatementrange_ast

    def of_a_line(lineno: int, source: Any, assertion: bool = False, astnode: Any = None) -> tuple[Any, int, int]:
        return astnode, lineno, lineno + 1

    module.getstatementrange_ast = of_a_line
    try:
        yield
    finally:
        module.getstatementrange_ast = original


def now() -> float:
    """Seconds on a clock that tests which freeze time leave alone."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def cut(text: str) -> str:
    """Keep a pipe's worth of a huge text; the reader cuts it for good."""
    return text if len(text) <= 20_000 else text[:10_000] + "\n...\n" + text[-10_000:]


def arguments(spec: Mapping[str, Any], root: str, *, capture: str = "fd") -> list[str]:
    """Pytest's command line: the project's own configuration and options, shown nowhere; what to collect is last."""
    config = os.path.join(root, spec["config"]) if spec["config"] else os.devnull
    found = ["-c", config, "--rootdir", root, "-o", f"addopts={shlex.join(spec['addopts'])}"]
    found += ["-qq", "--no-summary", "--no-header", "--color=no", "--tb=short", f"--capture={capture}"]
    found += ["--continue-on-collection-errors", "-W", f"ignore:{_EARLY}:pytest.PytestAssertRewriteWarning"]
    if importlib.util.find_spec("_hypothesis_pytestplugin") and not any(
        "hypothesis" in word for word in spec["addopts"]
    ):
        found += ["--hypothesis-seed=0"]  # the same examples in every run
    found += [argument for name in BLOCKED for argument in ("-p", f"no:{name}")]
    return [*found, *spec["tests"]]


def usage_error(error: BaseException) -> str:
    """What pytest says of a command line or a configuration that it cannot use; "" for any other exception."""
    from _pytest.config.exceptions import UsageError

    return " ".join(str(error).split()) or "unusable configuration" if isinstance(error, UsageError) else ""


def main(spec_file: str) -> None:
    """Read the specification, run, report, end without clean-up."""
    with open(spec_file, encoding="utf-8") as stream:
        spec = json.load(stream)
    os.unlink(spec_file)
    report_fd = os.open(spec["report"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    limit(spec["limits"])
    if hasattr(os, "nice"):
        os.nice(spec["nice"])
    root = os.getcwd()
    reporter = Reporter(report_fd, spec["token"])
    try:
        import pytest
    except ImportError as error:
        reporter.send("no_pytest", failure=str(error))
        os._exit(0)
    extend_path(spec["path"])
    reporter.send("started")
    code = pytest.main(arguments(spec, root), plugins=[reporter])
    for path, file in outside(spec["modules"], root):
        reporter.send("outside", path=path, file=file)
    reporter.send("finished", code=int(code))
    os._exit(0)  # no exit handlers and no waiting for threads of the tests


def as_collected(job: dict[str, Any], items: Sequence[Any]) -> dict[str, Any]:
    """The job with tests named as here, where ids vary by process (a time in a parameter): by their position."""
    if len(job["ids"]) != len(items):
        return job
    here = {test: item.nodeid for test, item in zip(job["ids"], items, strict=True)}
    named = {key: [here.get(test, test) for test in job[key]] for key in ("first", "wanted")}
    run = None if job["run"] is None else [here.get(test, test) for test in job["run"]]
    return {**job, **named, "run": run, "names": {own: test for test, own in here.items()}}
