"""What tests and candidate would share in one process: output, environment, working folder, random numbers, patches."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .peer import Peer

MAX_OUTPUT = 8 * 2**20
_MAX_RECORDS = 1000


class Outputs:
    """Gathers what the candidate prints, logs and warns about, to go with its next message."""

    def __init__(self) -> None:
        self.files: list[tuple[str, int]] = []
        for name, fd in (("out", 1), ("err", 2)):
            memory = os.memfd_create(name)
            os.dup2(memory, fd)
            os.close(memory)
            stream = io.TextIOWrapper(
                io.FileIO(fd, "w", closefd=False),
                "utf-8",
                "backslashreplace",
                write_through=True,  # type: ignore[arg-type]
            )
            setattr(sys, f"std{name}", stream)
            setattr(sys, f"__std{name}__", stream)
            self.files.append((name, fd))
        self.offsets = {"out": 0, "err": 0}
        self.records: list[Any] = []
        self.logging = self.warnings = False

    def take(self) -> dict[str, Any]:
        """What is new."""
        self._watch()
        found: dict[str, Any] = {}
        for name, fd in self.files:
            try:
                size = os.fstat(fd).st_size
            except OSError:
                continue
            if size > self.offsets[name]:
                data = os.pread(fd, min(size - self.offsets[name], MAX_OUTPUT), self.offsets[name])
                self.offsets[name] = size
                found[name] = data.decode("utf-8", "replace")
        if self.records:
            found["records"], self.records = self.records[:_MAX_RECORDS], []
        return found

    def _watch(self) -> None:
        """Hook into logging and warnings once the candidate uses them."""
        if not self.logging and "logging" in sys.modules:
            self.logging = True
            self._watch_logging()
        if not self.warnings and "warnings" in sys.modules:
            self.warnings = True
            self._watch_warnings()

    def _watch_logging(self) -> None:
        import logging

        outputs = self

        class Forward(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                text = record.getMessage()
                outputs.records.append(["log", record.name, record.levelno, text, record.funcName, record.lineno])

        logging.root.addHandler(Forward())
        logging.root.setLevel(1)

    def _watch_warnings(self) -> None:
        import warnings

        def show(message: Any, category: type, filename: str, lineno: int, *_: Any, **__: Any) -> None:
            self.records.append(["warn", category.__module__, category.__qualname__, str(message), lineno])

        warnings.simplefilter("always")
        warnings.showwarning = show  # type: ignore[assignment]


def replay(message: dict[str, Any], find: Any) -> None:
    """Let what the candidate printed, logged and warned about happen here.

    Raises:
        Warning: A filter of the tests turns it into an error.
    """
    for name, stream in (("out", sys.stdout), ("err", sys.stderr)):
        if isinstance(message.get(name), str):
            stream.write(message[name])
    for record in message.get("records", ())[:_MAX_RECORDS]:
        if record[0] == "log":
            import logging

            _, name, level, text, function, line = record
            logger = logging.getLogger(str(name))
            if logger.isEnabledFor(int(level)):
                entry = logger.makeRecord(
                    str(name), int(level), "candidate", int(line), str(text), (), None, str(function)
                )
                logger.handle(entry)
        elif record[0] == "warn":
            import warnings

            category = find(record[1], record[2])
            if isinstance(category, type) and issubclass(category, Warning):
                warnings.warn_explicit(str(record[3]), category, "candidate", int(record[4]))


class State:
    """Environment, working folder and random numbers, as both sides last agreed on them."""

    def __init__(self) -> None:
        self.random = False
        self.follows = True  # where the other side goes
        self.believes = True  # whatever random numbers it says it is at
        self.raw: Any = None
        self.environment = _environment()
        self.folder = _folder()
        self.numbers: Any = None

    def changes(self, peer: Peer) -> dict[str, Any]:
        """What to tell the other side."""
        found: dict[str, Any] = {}
        raw = getattr(os.environ, "_data", None)  # compared without decoding it: this runs with every message
        if raw is None or raw != self.raw:
            self.raw = dict(raw or {})
            environment = _environment()
            if environment != self.environment:
                found["env"] = self.environment = environment
        folder = _folder()
        if folder != self.folder:
            found["cwd"] = self.folder = folder
        if self.random and "random" in sys.modules:
            numbers = sys.modules["random"].getstate()
            if numbers != self.numbers:
                self.numbers = numbers
                found["random"] = peer.encode(numbers)
        return found

    def take(self, message: dict[str, Any], peer: Peer) -> None:
        """Do what the other side did."""
        if "env" in message:
            wanted = {str(name): str(value) for name, value in message["env"].items()}
            for name in _environment().keys() - wanted.keys():
                del os.environ[name]
            os.environ.update(wanted)
            self.environment = _environment()
        if message.get("cwd") and self.follows:
            with contextlib.suppress(OSError):  # the other side may be where this one cannot go
                os.chdir(str(message["cwd"]))
            self.folder = _folder()
        if "random" in message:
            import random

            numbers = peer.decode(message["random"])
            if self.believes:
                self.random = True
            elif not self.random or not _is_drawn(self.numbers, numbers):
                return  # it would decide what the tests draw next
            self.numbers = numbers
            random.setstate(numbers)


def _is_drawn(before: Any, after: Any) -> bool:
    """Whether a state of the generator comes from another by drawing from it, at most 100,000 numbers."""
    import random

    if before is None or type(after) is not tuple or len(after) != 3 or after[0] != before[0]:
        return False
    draw = random.Random()
    draw.setstate(before)
    for _ in range(160):
        now = draw.getstate()
        if now[1][:-1] == after[1][:-1]:
            return bool(after[1][-1] >= now[1][-1])
        draw.getrandbits(32 * (625 - now[1][-1]))  # into the next 624 numbers
        state = draw.getstate()
        draw.setstate((state[0], (*state[1][:-1], 0), None))
    return False


def _environment() -> dict[str, str]:
    """The environment without what would tell a candidate which test runs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""
