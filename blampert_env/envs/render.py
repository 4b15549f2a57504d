"""What the environments draw: the state of an episode as text, and that text as a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blampert_env.envs.session import EditSession

WIDTH, HEIGHT = 640, 400
_LINE = 14


def render_text(session: EditSession, extra: str = "") -> str:
    """A few lines: project, tests, attempts, each failing test, and the last attempt."""
    report = session.report
    filled = round(20 * report.pass_rate)
    lines = [
        f"{session.project.name}  [{'#' * filled}{'.' * (20 - filled)}]  {report.passed}/{report.total} tests"
        f"  attempt {len(session.attempts)}/{session.max_attempts}"
    ]
    if session.attempts:
        last = session.attempts[-1]
        kept = "kept" if last.accepted else "dropped"
        lines.append(f"last: {last.target or 'no target'}: {last.outcome} ({kept}), reward {last.reward:+.2f}")
    if extra:
        lines.append(extra)
    failing = [test for test, outcome in report.outcomes.items() if outcome != "passed"]
    lines += [f"  x {test}" for test in failing[:15]]
    if len(failing) > 15:
        lines.append(f"  ... and {len(failing) - 15} more")
    return "\n".join(lines) + "\n"


def render_picture(text: str) -> NDArray[np.uint8]:
    """``text`` drawn on a dark ground: uint8 array of shape ``(400, 640, 3)``."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, HEIGHT), (24, 26, 32))
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(text.splitlines()[: HEIGHT // _LINE - 1]):
        colour = (235, 110, 110) if line.startswith("  x") else (220, 224, 232)
        # the built-in bitmap font knows Latin-1 only
        draw.text((10, 8 + number * _LINE), line.encode("latin-1", "replace").decode("latin-1"), fill=colour)
    return np.asarray(image, dtype=np.uint8).copy()
