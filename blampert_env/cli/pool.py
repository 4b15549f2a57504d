"""The sample pool: what is in it, and samples to and from a file that others can use."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blampert_env.cli.options import add_json, human_size

if TYPE_CHECKING:
    from blampert_env.lm.store import SampleStore


def build_parser(prog: str) -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog=prog, description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="info|export|import")
    info = commands.add_parser("info", help="samples by model", allow_abbrev=False)
    add_json(info)
    export = commands.add_parser("export", help="write samples as compressed JSON lines, without prompts")
    export.add_argument("file", type=Path, metavar="FILE", help="to write, such as samples.jsonl.gz")
    export.add_argument("--model", metavar="M", help="of this model only, such as embedded/qwen2.5-coder-0.5b")
    taking = commands.add_parser("import", help="take samples from such a file; what is there stays")
    taking.add_argument("file", type=Path, metavar="FILE")
    for command in (info, export, taking):
        command.add_argument("--pool", type=Path, metavar="DB", help="the pool (default: that in the cache folder)")
    return parser


def main(argv: Sequence[str] | None = None, prog: str = "blampert pool") -> int:
    """Entry point; returns the exit code: 1 if a file that was imported gave no sample."""
    from blampert_env.lm.exchange import export_pool, import_pool
    from blampert_env.lm.store import SampleStore
    from blampert_env.resources import cache_dir

    arguments = build_parser(prog).parse_args(argv)
    store = SampleStore(arguments.pool or cache_dir() / "samples.sqlite3")
    try:
        if arguments.command == "info":
            _info(store, as_json=arguments.json)
            return 0
        if arguments.command == "export":
            written, unknown = export_pool(store, arguments.file, arguments.model)
            left = f"; {unknown} older samples do not say their model and were left out" if unknown else ""
            print(f"wrote {written:,} samples to {arguments.file} ({human_size(arguments.file.stat().st_size)}){left}")
            return 0
        taken = import_pool(store, arguments.file)
        for reason, count in taken.refused.items():
            print(f"refused {count:,}: {reason}")
        print(f"added {taken.added:,} samples to {store.path}, {taken.present:,} were there")
        for model, count in sorted(taken.models.items()):
            print(f"  {count:>7,}  {model}")
        return 0 if taken.added or taken.present else 1
    finally:
        store.close()


def _info(store: SampleStore, *, as_json: bool) -> None:
    from blampert_env.lm.exchange import summary

    models = summary(store)
    if as_json:
        print(json.dumps({"pool": str(store.path), "models": models}, indent=2))
        return
    size = human_size(store.path.stat().st_size)
    print(f"{store.path} ({size}): {sum(row['samples'] for row in models.values()):,} samples")
    for model, row in models.items():
        counts = f"{row['samples']:>7,} samples of {row['requests']:,} requests, {row['tokens']:,} tokens"
        print(f"  {counts}  {model or 'of a model that older samples do not name'}")
