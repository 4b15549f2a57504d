"""The dead-letter queue of the message bus: ``blampert dlq list|show|redrive|purge``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.cli.options import add_json, add_workspace
from blampert_env.commands import positive
from blampert_env.errors import UsageError

if TYPE_CHECKING:
    from blampert_env.telemetry.bus import Bus, DeadLetter


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description="Messages that could not be delivered.", allow_abbrev=False)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = _action(actions, "list", "how many, by topic, and the oldest of them")
    listing.add_argument("--topic", metavar="PATTERN", help="only of these topics, such as 'logs.*'")
    listing.add_argument("--limit", type=positive, default=20, metavar="N", help="show so many (default: 20)")
    add_json(listing)
    listing.set_defaults(action=_list)
    showing = _action(actions, "show", "all of one")
    showing.add_argument("id", metavar="ID")
    add_json(showing)
    showing.set_defaults(action=_show)
    for name, text, action in (
        ("redrive", "send back to the group that did not take it", _redrive),
        ("purge", "remove for good", _purge),
    ):
        choosing = _action(actions, name, text)
        choosing.add_argument("ids", nargs="*", metavar="ID")
        choosing.add_argument("--topic", metavar="PATTERN", help="all of these topics")
        choosing.add_argument("--all", action="store_true", help="all there are")
        if name == "purge":
            choosing.add_argument("-y", "--yes", action="store_true", help="do not ask")
        choosing.set_defaults(action=action)
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert dlq") -> int:
    """Entry point; returns the exit code."""
    arguments = build_parser(prog).parse_args(argv)
    try:
        bus = _open(arguments)
    except _NoBusYet as error:
        if arguments.action is not _list:
            raise
        nothing = json.dumps({"counts": {}, "letters": []}, indent=2)
        print(nothing if arguments.json else f"no dead letters: {error.why}")
        return 0
    with bus:
        return int(arguments.action(bus, arguments))


class _NoBusYet(UsageError):
    """Nobody named a bus, and there is none yet where one would be.

    Attributes:
        why: In a few words.
    """

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


def _action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False)
    parser.add_argument(
        "--bus", metavar="ADDRESS", help="a file, or redis://... (default: $BLAMPERT_BUS, else the workspace's)"
    )
    parser.add_argument("--run", type=Path, metavar="RUN", help="the bus in a run's folder, where no workspace has one")
    add_workspace(parser, "whose bus")
    return parser


def _open(arguments: argparse.Namespace) -> Bus:
    """The bus that is meant; one that is not there is not made.

    Raises:
        UsageError: It is not there; :class:`_NoBusYet` where none was named that ought to be.
    """
    from blampert_env.telemetry.bus import open_bus
    from blampert_env.training.places import find_places
    from blampert_env.training.streaming import BUS_FILE, bus_address
    from blampert_env.workspace.runs import is_run

    places = find_places(arguments.workspace, default=True, run=arguments.run)
    run = places.run(arguments.run) if arguments.run else None
    address = arguments.bus or bus_address(places, run)
    if address is None:
        message = "which bus? give --run RUN or --bus ADDRESS (there is no workspace, or streaming is off in it)"
        earlier = [places.workspace.streaming] if places.workspace else []
        if any(folder.joinpath(BUS_FILE).is_file() for folder in (*earlier, *places.logs.glob("*/"))):
            raise UsageError(message)
        raise _NoBusYet(message, f"nothing was published yet by a run in {places.logs}")
    if "://" not in address and not Path(address).is_file():
        message = f"no bus at {address}: nothing was published there yet; give --run RUN or --bus ADDRESS"
        if arguments.bus or (run and not is_run(run)):
            raise UsageError(message)
        raise _NoBusYet(message, f"nothing was published yet at {address}")
    return open_bus(address)


def _list(bus: Bus, arguments: argparse.Namespace) -> int:
    letters = bus.dead_letters.list(arguments.topic, limit=arguments.limit)
    counts = bus.dead_letters.counts()
    if arguments.json:
        print(json.dumps({"counts": counts, "letters": [asdict(letter) for letter in letters]}, indent=2))
        return 0
    if not counts:
        print("no dead letters")
        return 0
    print(", ".join(f"{topic} {count:,}" for topic, count in counts.items()))
    for letter in letters:
        group = f" for {letter.group}" if letter.group else ""
        print(f"{letter.id:>6}  {_when(letter)}  {_plain(letter.topic + group)}: {_plain(letter.reason)[:120]}")
    return 0


def _show(bus: Bus, arguments: argparse.Namespace) -> int:
    letter = bus.dead_letters.show(arguments.id)
    if arguments.json:
        print(json.dumps(asdict(letter), indent=2))
        return 0
    for name in ("id", "topic", "group", "key", "reason", "attempts"):
        print(f"{name:<9} {_plain(str(getattr(letter, name)))}")
    print(f"time      {_when(letter)}")
    print(f"value     {_plain(letter.text)}" if letter.text is not None else f"repr      {_plain(str(letter.repr))}")
    return 0


def _redrive(bus: Bus, arguments: argparse.Namespace) -> int:
    chosen = _chosen(arguments)
    went = bus.dead_letters.redrive(arguments.topic, ids=chosen)
    stay = sum(bus.dead_letters.counts().values()) if chosen is None and arguments.topic is None else 0
    print(f"{went} sent back" + (f"; {stay} stay: only their repr is kept" if stay else ""))
    if chosen is not None and went < len(chosen):
        raise UsageError(f"{len(chosen) - went} of {len(chosen)} hold only a repr and cannot be sent; purge them")
    return 0


def _purge(bus: Bus, arguments: argparse.Namespace) -> int:
    chosen = _chosen(arguments)
    count = len(chosen) if chosen is not None else len(bus.dead_letters.list(arguments.topic, limit=-1))
    if count and not arguments.yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{count} dead letters would go: add --yes to remove them for good")
        if input(f"remove {count} dead letters for good? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was removed")
            return 1
    print(f"{bus.dead_letters.purge(arguments.topic, ids=chosen)} removed")
    return 0


def _chosen(arguments: argparse.Namespace) -> list[str] | None:
    """The ids that were given; None for a topic's, or all."""
    given = [bool(arguments.ids), arguments.topic is not None, arguments.all]
    if sum(given) != 1:
        raise UsageError("which? give ids, or --topic PATTERN, or --all")
    return arguments.ids or None


def _when(letter: DeadLetter) -> str:
    return datetime.fromtimestamp(letter.time).isoformat(" ", "seconds")


def _plain(text: str) -> str:
    """Text without what a terminal would act upon: an LM may have written it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
