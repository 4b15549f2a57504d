"""An explanation as a picture: what is picked where, as a matrix, and the features that matter, as bars."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blampert_env.training.explaining import Explanation, Pick

if TYPE_CHECKING:
    from PIL import ImageDraw

_WIDTH_OF_WORDS, _CELL, _ROW, _HEADINGS, _GAP, _FEATURES, _BAR = 340, 56, 22, 130, 40, 12, 300
_GROUND, _TEXT, _QUIET, _MASKED, _LOW, _HIGH = "#181a20", "#dce0e8", "#8a92a2", "#22252d", (38, 44, 66), (61, 180, 140)
Row = tuple[str, Sequence[float | None], Sequence[str], str]  # words, share of the colour (None: masked), texts, picked


def picture(found: Explanation) -> bytes:
    """The explanation as a PNG."""
    from PIL import Image, ImageDraw

    blocks = [("what it picks (framed), " + (f"by {found.kind}" if found.kind else "greedily"), _asked(found))]
    for evaluation, name in enumerate(("training", "evaluation")):
        if rows := _recorded(found, evaluation):
            blocks.append((f"picked in {name}, share by outcome of the step before", rows))
    features = [(name, share) for name, share in found.changes.items() if share > 0][:_FEATURES]
    height = sum(_HEADINGS + _ROW * len(rows) + _GAP for _, rows in blocks) + _GAP + _ROW * (1 + len(features))
    width = max(_WIDTH_OF_WORDS + _CELL * len(found.arms) + 20, _WIDTH_OF_WORDS + _BAR + 80)
    image = Image.new("RGB", (width, height), _GROUND)
    draw = ImageDraw.Draw(image)
    top = 10
    for title, rows in blocks:
        _matrix(image, draw, top, f"{found.algo}: {title}", found.arms, rows)
        top += _HEADINGS + _ROW * len(rows) + _GAP
    _write(draw, (10, top), "features: share of swaps that change the pick" + ("" if features else " (none does)"))
    for number, (name, share) in enumerate(features, start=1):
        y = top + _ROW * number
        _write(draw, (10, y + 4), name)
        draw.rectangle((_WIDTH_OF_WORDS, y + 3, _WIDTH_OF_WORDS + _BAR * share, y + _ROW - 4), fill=_HIGH)
        _write(draw, (_WIDTH_OF_WORDS + _BAR * share + 6, y + 4), f"{share:.0%}")
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def _asked(found: Explanation) -> list[Row]:
    """A row a situation, coloured by value between the smallest and the largest there is."""
    means = [value.mean for pick in found.picks for value in pick.values.values() if value]
    low, span = (min(means), max(means) - min(means) or 1.0) if means else (0.0, 1.0)
    return [(pick.situation, *_cells(found, pick, low, span), pick.arm) for pick in found.picks]


def _cells(found: Explanation, pick: Pick, low: float, span: float) -> tuple[list[float | None], list[str]]:
    if not pick.values:
        return [0.0] * len(found.arms), [""] * len(found.arms)
    values = [pick.values[arm] for arm in found.arms]
    return [(it.mean - low) / span if it else None for it in values], [f"{it.mean:.2f}" if it else "" for it in values]


def _recorded(found: Explanation, evaluation: int) -> list[Row]:
    rows: list[Row] = []
    for row in found.steps["after"] if found.steps else ():
        if row["evaluation"] == evaluation:
            shares = [row["picks"].get(arm, 0.0) for arm in found.arms]
            words = f"{row['after'] or 'at the start'} ({row['steps']:,} steps)"
            rows.append((words, shares, [f"{share:.0%}" if share else "" for share in shares], ""))
    return rows


def _matrix(
    image: Any, draw: ImageDraw.ImageDraw, top: int, title: str, arms: Sequence[str], rows: Sequence[Row]
) -> None:
    from PIL import Image, ImageDraw

    _write(draw, (10, top), title)
    for column, arm in enumerate(arms):
        turned = Image.new("RGB", (_HEADINGS - 26, 14), _GROUND)
        _write(ImageDraw.Draw(turned), (0, 1), arm[:18], _QUIET)
        image.paste(turned.rotate(90, expand=True), (_WIDTH_OF_WORDS + _CELL * column + 20, top + 20))
    for number, (words, shares, texts, picked) in enumerate(rows):
        y = top + _HEADINGS + _ROW * number
        _write(draw, (10, y + 4), words)
        for column, (arm, share, text) in enumerate(zip(arms, shares, texts, strict=True)):
            x = _WIDTH_OF_WORDS + _CELL * column
            box = (x, y, x + _CELL - 3, y + _ROW - 3)
            draw.rectangle(box, fill=_colour(share), outline=_TEXT if arm == picked else None, width=2)
            _write(draw, (x + 8, y + 4), text)


def _colour(share: float | None) -> str | tuple[int, ...]:
    if share is None:
        return _MASKED
    return tuple(round(low + (high - low) * share) for low, high in zip(_LOW, _HIGH, strict=True))


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str = _TEXT) -> None:
    # a font without FreeType knows Latin-1 only
    draw.text(at, text.encode("latin-1", "replace").decode("latin-1"), fill=colour)
