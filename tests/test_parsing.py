"""Parsing from several threads at once."""

import ast
import sys
import threading
from pathlib import Path

from blampert_env.parsing import parse


class Finalized:
    """Garbage that only the collector finds, with a finalizer in Python: there threads take turns."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(50):
            pass


def parse_at_depth(depth: int, text: str, failed: list[BaseException]) -> None:
    if depth:
        return parse_at_depth(depth - 1, text, failed)
    try:
        for _ in range(25):
            parse(text)
            [Finalized() for _ in range(200)]
    except SystemError as error:
        failed.append(error)


def test_threads_that_parse_at_once_disturb_nobody() -> None:
    """``ast.parse`` itself fails here on CPython 3.11: "AST constructor recursion depth mismatch"."""
    text = Path(ast.__file__).read_text()
    failed: list[BaseException] = []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=parse_at_depth, args=(depth, text, failed)) for depth in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert failed == []
