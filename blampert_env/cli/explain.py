"""What a policy picks after which outcome, what it holds each arm for, and which features change its mind."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.cli.options import add_json, add_workspace, print_table
from blampert_env.errors import UsageError

if TYPE_CHECKING:
    from blampert_env.training.explaining import Explanation, Value
    from blampert_env.training.places import Places

_SHOWN = 12  # features in the text; --json has all


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("what", type=Path, metavar="RUN|POLICY", help="a run's name or folder, or a policy's file or name")
    add("--plot", type=Path, metavar="FILE.png", help="write it as a picture, too")
    add("--strategies", metavar="FILE", help="the strategies it was trained with (default: the run's, else Blampert's)")
    add("-f", "--log-folder", type=Path, metavar="DIR", help="where runs are (default: the workspace's, else logs)")
    add_workspace(parser)
    add_json(parser)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert explain") -> int:
    """Entry point; returns the exit code."""
    from blampert_env.atomic import atomic_write_bytes
    from blampert_env.training.places import find_places

    arguments = build_parser(prog).parse_args(argv)
    if arguments.plot is not None and arguments.plot.suffix.lower() != ".png":
        raise UsageError(f"--plot {arguments.plot}: only PNG is written; give a name that ends in .png")
    found = _explain(arguments, find_places(arguments.workspace, default=True))
    if arguments.plot is not None:
        from blampert_env.training.explain_picture import picture

        atomic_write_bytes(arguments.plot, picture(found))
    if arguments.json:
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
        return 0
    _show(found)
    if arguments.plot is not None:
        print(f"wrote {arguments.plot}")
    return 0


def _explain(arguments: argparse.Namespace, places: Places) -> Explanation:
    """Explain what the command line names: a folder is a run, a file a policy.

    Raises:
        UsageError: It is neither.
    """
    from blampert_env.training.explaining import explain_policy, explain_run
    from blampert_env.training.run_folder import RunFolder

    what: Path = arguments.what
    policy = places.policy(what)
    inside = (arguments.log_folder or places.logs) / what
    for run in (inside, what if arguments.log_folder else places.run(what)):
        if run.is_dir():
            opened = RunFolder.open(run)
            file = places.absolute(opened.read_config()).get("strategies")
            return explain_run(opened, arguments.strategies or file)
    if policy.is_file() or policy.suffix:
        return explain_policy(policy, arguments.strategies)
    raise UsageError(f"no run and no policy {what}: `blampert runs list` shows the runs, models/ has the policies")


def _show(found: Explanation) -> None:
    print(f"{found.source}: {found.algo} on {len(found.arms)} arms ({found.env} env)")
    if found.note:
        print(f"{found.algo} {found.note}")
    rows = [[it.situation, it.arm or "-", *_best(it.values, it.arm)] for it in found.picks]
    heads = ["in this situation (made up)", "it picks", found.kind or "value", "next best"]
    print_table("what it picks", heads, rows, left=("it picks", "next best"))
    if found.kind:
        print_table(f"arms, {found.kind}", ["arm", "picked", "lowest", "mean", "highest", "deviation"], _arms(found))
    shares = [[name, f"{share:.0%}"] for name, share in found.changes.items() if share > 0][:_SHOWN]
    if shares:
        print_table(
            "features: how often the pick changes with the value of another situation", ["feature", "changes"], shares
        )
    elif found.changes:
        print("no feature changes its pick in these situations")
    if found.weights:
        _show_weights(found)
    if found.steps:
        _show_steps(found)


def _best(values: Mapping[str, Value | None], pick: str) -> tuple[str, str]:
    """The value of the pick, and the next best arm with its own."""
    allowed = {name: value for name, value in values.items() if value is not None}
    if pick not in allowed:
        return "-", "-"
    others = sorted((name for name in allowed if name != pick), key=lambda name: -allowed[name].mean)
    return f"{allowed[pick].mean:.3f}", f"{others[0]} ({allowed[others[0]].mean:.3f})" if others else "-"


def _arms(found: Explanation) -> list[list[str]]:
    rows = []
    for arm in found.arms:
        seen = [value for pick in found.picks if (value := pick.values[arm]) is not None]
        picked = f"{sum(pick.arm == arm for pick in found.picks)} of {len(seen)}"
        means = [value.mean for value in seen]
        spread = [value.deviation for value in seen if value.deviation is not None]
        numbers = (min(means), sum(means) / len(means), max(means)) if means else ()
        deviation = f"{sum(spread) / len(spread):.3f}" if spread else "-"
        rows.append([arm, picked, *(f"{number:.3f}" for number in numbers or ()), *([] if means else "---"), deviation])
    return rows


def _show_weights(found: Explanation) -> None:
    rows = []
    for name, by_arm in list(found.weights.items())[:_SHOWN]:
        arm = max(by_arm, key=lambda one: abs(by_arm[one]))
        rows.append([name, f"{by_arm[arm]:+.3f}", arm])
    title = "features: coefficient times standard deviation over what was learnt from"
    print_table(title, ["feature", "largest weight", "for arm"], rows, left=("for arm",))


def _show_steps(found: Explanation) -> None:
    assert found.steps is not None
    when = ("training", "evaluation")
    rows = [
        [
            when[row["evaluation"]],
            row["after"] or "at the start",
            f"{row['steps']:,}",
            ", ".join(f"{name} {share:.0%}" for name, share in row["picks"].items()),
        ]
        for row in found.steps["after"]
    ]
    print_table("what was picked after which outcome", ["in", "after", "steps", "picks"], rows, left=("after", "picks"))
    worth = [
        [
            when[row["evaluation"]],
            row["strategy"],
            f"{row['steps']:,}",
            f"{row['reward']:+.3f}",
            f"{row['cost']:,.1f} s" if row["cost"] else "-",
        ]
        for row in found.steps["worth"]
    ]
    print_table("what that earned", ["in", "arm", "steps", "mean reward", "mean cost"], worth, left=("arm",))
