"""Reads what the runner reports: lines of a token and JSON, among whatever else may land in the pipe."""

from __future__ import annotations

import json
from typing import Any

KINDS = frozenset(
    {
        "started",
        "collected",
        "not_collected",
        "running",
        "outcome",
        "outside",
        "no_pytest",
        "reached",
        "broken",
        "finished",
    },
)


class Records:
    """The records of one run, parsed as they arrive.

    Args:
        token: What a line must start with to count.

    Attributes:
        all: Every record so far, in order; ``kind`` tells what it is.
    """

    def __init__(self, token: str) -> None:
        self.all: list[dict[str, Any]] = []
        self._token = token.encode() + b" "
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the pipe."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._line(b"".join([*self._pieces, line]))
            self._pieces.clear()
        self._pieces.append(rest)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind, in order."""
        return [record for record in self.all if record["kind"] == kind]

    @property
    def finished(self) -> bool:
        """The runner came to its end; nothing follows."""
        return bool(self.all) and self.all[-1]["kind"] == "finished"

    def _line(self, line: bytes) -> None:
        if line.startswith(self._token):
            try:
                record = json.loads(line[len(self._token) :])
            except (ValueError, RecursionError):
                return
            if isinstance(record, dict) and record.get("kind") in KINDS:
                self.all.append(record)
