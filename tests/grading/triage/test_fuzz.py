"""Random programs: what is called plain leaves the canary alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .generator import Generator
from .project_for_edits import CANARY, HELPER, edited, reasons

WORKER = Path(__file__).with_name("fuzz_worker.py")


def sources(seed: int, count: int) -> list[str]:
    """Programs that parse."""
    generator, found = Generator(seed), []
    while len(found) < count:
        text = edited(generator.program())
        try:
            compile(text, "mod.py", "exec")
        except SyntaxError:
            continue
        found.append(text)
    return found


def hits(programs: list[str], tmp_path: Path) -> list[str]:
    """Those that change what is watched, know what they were not told, or lie."""
    task = json.dumps({"sources": programs, "helper": HELPER, "canary": CANARY})
    done = subprocess.run(
        [sys.executable, str(WORKER)], input=task, capture_output=True, text=True, cwd=tmp_path, check=True, timeout=300
    )
    return [programs[number] for number in json.loads(done.stdout)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
@pytest.mark.parametrize("seed", range(5))
def test_what_is_called_plain_leaves_the_canary_alone(seed: int, tmp_path: Path) -> None:
    programs = sources(seed, 4_000)
    plain = [text for text in programs if not reasons(text)]
    assert len(plain) >= 20, "the generator makes too little that is plain"
    found = hits(plain, tmp_path)
    assert not found, found[0][found[0].index("def double") :]


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_without_rules_the_canary_is_hit(tmp_path: Path) -> None:
    assert len(hits(sources(99, 400), tmp_path)) >= 10
