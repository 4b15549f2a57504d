"""``python -m blampert_env.workspace``: makes the workspace; ``info`` and ``clean`` as in ``blampert workspace``."""

import sys

from blampert_env.cli.workspace import main
from blampert_env.commands import run_command

PROG = "python -m blampert_env.workspace"
words = sys.argv[1:]
first = words[0] if words else ""
known = first in ("create", "info", "clean", "-h", "--help")
sys.exit(run_command(PROG, lambda: main(words if known else ["create", *words], PROG)))
