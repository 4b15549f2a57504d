"""The ``blampert`` command (alias ``dspy-code``): one module a command, imported when it is chosen."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from blampert_env.commands import run_command
from blampert_env.errors import UsageError, unknown_name

# command -> (module with a main(argv, prog) function, one line of help)
COMMANDS = {
    "solve": ("blampert_env.cli.solve", "write a project's open functions and show or apply the difference"),
    "train": ("blampert_env.cli.train", "train a policy on projects, with an LLM writing the code"),
    "optimize": ("blampert_env.cli.optimize", "look for a better way of asking with DSPy's optimizers"),
    "evaluate": ("blampert_env.cli.evaluate", "run a saved policy, greedily, and print the same table"),
    "explain": ("blampert_env.cli.explain", "what a policy picks when, what its arms are worth, what matters to it"),
    "monitor": ("blampert_env.cli.monitor", "watch runs, live, in the terminal and as a web page"),
    "dashboard": ("blampert_env.cli.dashboard", "open the web page of the runs in a browser"),
    "workspace": ("blampert_env.cli.workspace", "make, look at and clean the folder that the agent works in"),
    "project": ("blampert_env.cli.project", "list, make and check projects"),
    "config": ("blampert_env.cli.config", "show and change the workspace's settings"),
    "doctor": ("blampert_env.cli.doctor", "what is wrong, and the command that mends it"),
    "runs": ("blampert_env.cli.runs", "list and compare runs, write their steps to a file"),
    "collect": ("blampert_env.cli.collect", "fill the sample pool for projects, ways of asking and models"),
    "pool": ("blampert_env.cli.pool", "samples of the models: count them, write them to a file, take them from one"),
    "dlq": ("blampert_env.cli.dlq", "messages that could not be delivered: list, show, redrive, purge"),
    "export": ("blampert_env.cli.transfer", "pack a run into one file"),
    "import": ("blampert_env.cli.import_command", "unpack a run, or make projects of code or of a problem set"),
}


def usage() -> str:
    """The text of ``blampert --help``."""
    lines = ["usage: blampert COMMAND [options]", "", "commands:"]
    lines += [f"  {name:<12}{text}" for name, (_, text) in COMMANDS.items()]
    lines += ["", "options:", "  -h, --help    show this text, or that of a command: blampert train --help"]
    lines += ["  --version     show the version"]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (2 for a wrong call)."""
    return run_command("blampert", lambda: _dispatch(list(sys.argv[1:] if argv is None else argv)))


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from blampert_env import __version__

        print(f"blampert {__version__}")
        return 0
    if arguments[0] not in COMMANDS:
        raise UsageError(unknown_name("command", arguments[0], COMMANDS))
    from importlib import import_module

    module = import_module(COMMANDS[arguments[0]][0])
    return int(module.main(arguments[1:], prog=f"blampert {arguments[0]}"))
