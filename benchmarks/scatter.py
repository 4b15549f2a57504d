"""A picture of what policies cost and solve, drawn by Pillow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE, LEFT, RIGHT, TOP, BOTTOM = (960, 560), 90, 30, 50, 70
INK, GRID, COLOURS = "#222222", "#dddddd", {"learned": "#c0392b", "fixed": "#2c6fbb", "bound": "#777777"}


def draw(points: Mapping[str, tuple[float, float, str]], path: Path, *, title: str, across: str, up: str) -> None:
    """Write a PNG.

    Args:
        points: Name to where it lies (across, up; both >= 0) and its kind, a key of :data:`COLOURS`.
        path: Where to.
        title: Above it.
        across: What the first axis is.
        up: What the second is.
    """
    image = Image.new("RGB", SIZE, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    x_step, y_step = _step(max(x for x, _, _ in points.values())), _step(max(y for _, y, _ in points.values()))
    x_count = int(max(x for x, _, _ in points.values()) // x_step) + 1
    y_count = int(max(y for _, y, _ in points.values()) // y_step) + 1

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + (SIZE[0] - LEFT - RIGHT) * x / (x_count * x_step),
            SIZE[1] - BOTTOM - (SIZE[1] - TOP - BOTTOM) * y / (y_count * y_step),
        )

    for number in range(x_count + 1):
        at = place(number * x_step, 0)
        pen.line([at, (at[0], TOP)], GRID)
        pen.text((at[0], at[1] + 8), f"{number * x_step:g}", INK, font, anchor="ma")
    for number in range(y_count + 1):
        at = place(0, number * y_step)
        pen.line([at, (SIZE[0] - RIGHT, at[1])], GRID)
        pen.text((at[0] - 8, at[1]), f"{number * y_step:g}", INK, font, anchor="rm")
    pen.text((SIZE[0] / 2, 14), title, INK, ImageFont.load_default(18), anchor="ma")
    pen.text((SIZE[0] / 2, SIZE[1] - 12), across, INK, font, anchor="md")
    pen.text((LEFT, TOP - 8), up, INK, font, anchor="ld")
    used: list[float] = []
    for name, (x, y, kind) in sorted(points.items(), key=lambda item: -item[1][1]):
        at = place(x, y)
        pen.ellipse([at[0] - 5, at[1] - 5, at[0] + 5, at[1] + 5], COLOURS[kind])
        height = at[1]
        while any(abs(height - other) < 17 for other in used):  # names keep clear of each other
            height += 3
        used.append(height)
        right = at[0] + 10 + pen.textlength(name, font) < SIZE[0] - RIGHT
        pen.text((at[0] + (10 if right else -10), height), name, COLOURS[kind], font, anchor="lm" if right else "rm")
    image.save(path, optimize=True)


def _step(largest: float) -> float:
    """A round distance between lines of which about six fit."""
    size = 1.0
    while size * 8 < largest:
        size *= 2 if str(size)[0] in "15" else 2.5
    return size
