"""The same figures for a terminal, drawn by rich. Texts of a run are shown as they are, never as markup or escapes."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from blampert_env.telemetry.dashboard.steps import visible

_STATES = {"running": "green", "finished": "green", "failed": "red", "interrupted": "yellow", "stopped": "yellow"}
_BLOCKS = "▁▂▃▄▅▆▇█"
_GOOD, _NEUTRAL = ("solved", "improved"), ("same", "unchanged")


def draw(overview: Mapping[str, Any] | None, footer: str) -> RenderableType:
    """One screen.

    Args:
        overview: What :meth:`~blampert_env.telemetry.dashboard.board.Board.overview` gives; None without a run.
        footer: A line at the end, such as where the page is.
    """
    if overview is None:
        return Group(Text("No runs yet. Start one with: blampert train", style="bold"), Text(footer, style="dim"))
    parts = [_head(overview), _figures(overview["summary"], overview["curves"])]
    parts += [_projects(overview["tests"]), _strategies(overview["strategies"]["rows"])]
    parts += [_edits(overview["edits"][:8]), _lines(overview["summary"], overview["status"]), Text(footer, style="dim")]
    return Group(*parts)


def one_line(overview: Mapping[str, Any] | None) -> str:
    """The run in a line, for where there is no terminal to draw on."""
    if overview is None:
        return "no runs yet"
    run, sums = overview["run"], overview["summary"]
    best = ", ".join(f"{visible(name)} {row['best']}/{row['total']}" for name, row in overview["tests"].items())
    recent = sums["recent"].get("ret")
    mean = f"mean return {recent:+.2f}" if recent is not None else "no episode has ended"
    return f"{visible(run['id'])} ({run['state']}): {sums['steps']:,} steps, {mean}; best {best or '-'}"


def _head(overview: Mapping[str, Any]) -> RenderableType:
    run = overview["run"]
    text = Text(visible(run["id"]), style="bold")
    text.append(f"  ● {run['state']}", style=_STATES.get(run["state"], "dim"))
    about = [
        run["algo"],
        run["model"],
        f"iteration {run['iteration']} of {run['iterations']}" if run["iterations"] else "",
    ]
    text.append("   " + " · ".join(visible(part) for part in about if part), style="dim")
    text.append(f"   {_ago(run['updated'])}", style="dim")
    return Panel(text, border_style="magenta", padding=(0, 1))


def _figures(sums: Mapping[str, Any], curves: Mapping[str, Any]) -> RenderableType:
    recent, progress = sums["recent"], sums["progress"]
    table = Table.grid(padding=(0, 3))
    table.add_row("steps", "episodes", "return", "success", "tests passed", "progress", "return so far", style="dim")
    table.add_row(
        f"{sums['steps']:,}",
        f"{sums['episodes']:,}",
        _signed(recent.get("ret")),
        _percent(recent.get("success_rate")),
        _percent(recent.get("test_pass_rate")),
        _signed(progress["ret"]) if progress else "-",
        Text(sparkline(curves["mean"], 32), style="magenta"),
        style="bold",
    )
    return table


def _projects(tests: Mapping[str, Any]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for name, row in tests.items():
        bar = ProgressBar(total=max(1, row["total"]), completed=row["best"], width=30)
        table.add_row(Text(visible(name)), bar, f"{row['best']} / {row['total']} tests")
    return Panel(table, title="best so far", title_align="left", border_style="dim")


def _strategies(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = _table("strategy", ">chosen", ">mean reward", ">kept", ">tokens")
    for row in rows[:6]:
        cells = (f"{row['count']:,}", _signed(row["reward"], 3), _percent(row["kept"]), f"{row['tokens']:,.0f}")
        table.add_row(Text(visible(row["strategy"])), *cells)
    return table


def _edits(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    table = _table("last edits", "target", "strategy", "outcome", ">tests", ">reward")
    for row in rows:
        outcome = row["outcome"]
        colour = "green" if outcome in _GOOD else "dim" if outcome in _NEUTRAL else "red"
        where = f"{row['project']} · {row['target'].split('::')[-1]}"
        table.add_row(
            "eval" if row["evaluation"] else f"#{row['x']}",
            Text(visible(where), overflow="ellipsis", no_wrap=True),
            Text(visible(row["strategy"])),
            Text(visible(outcome), style=colour),
            f"{row['tests_passed']}/{row['tests_total']}",
            _signed(row["reward"]),
        )
    return table


def _lines(sums: Mapping[str, Any], status: Mapping[str, Any] | None) -> RenderableType:
    text = Text()
    if sums["steps"]:
        latency = f"{sums['latency_s']:.1f} s an answer" if sums["latency_s"] is not None else "no call of its own"
        text.append(f"LM: {sums['calls']:,} answers, {sums['pooled']:,} from the pool, {latency}")
    if status is not None:
        circuit = status["lm_circuit"]
        text.append(
            f"; circuit open, next try in {circuit['next_retry_sec']:.0f} s" if circuit["open"] else "; circuit closed",
            style="red" if circuit["open"] else "",
        )
        waiting = sum(sum(depths) for depths in status["bus"]["topics"].values())
        text.append(f"\nbus: {waiting:,} messages wait; {status['dlq']['total']:,} dead letters")
    return text


def sparkline(values: Sequence[float], width: int) -> str:
    """Values as block characters, thinned out to ``width``."""
    if not values:
        return "-"
    count = min(width, len(values))
    picked = [values[(number + 1) * len(values) // count - 1] for number in range(count)]
    low, high = min(picked), max(picked)
    span = (high - low) or 1.0
    return "".join(_BLOCKS[int((value - low) / span * (len(_BLOCKS) - 1))] for value in picked)


def _table(*headings: str) -> Table:
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading.lstrip(">"), justify="right" if heading.startswith(">") else "left")
    return table


def _signed(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:+.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _ago(moment: float) -> str:
    seconds = max(0.0, time.time() - moment)
    return f"{seconds:.0f} s ago" if seconds < 90 else f"{seconds / 60:.0f} min ago"
