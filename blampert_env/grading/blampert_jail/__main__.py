"""Launcher and base of the jail; a script, started by the trainer.

    python -P -s -B __main__.py CONTROL_FD PARENT_PID FACTS_JSON

The launcher makes the namespaces and waits; the base is process 1 inside: it builds the private root, then makes lanes.
"""

import json
import os
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from blampert_jail import linux, root
from blampert_jail.base import find_facts, serve_base

del sys.path[0]


def main() -> None:
    """See the module's docstring."""
    control_fd, parent, wanted = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's
    linux.die_with_parent(parent)
    folders = root.interpreter_folders()
    facts = find_facts(wanted)
    pid = os.fork()
    if pid == 0:
        linux.die_with_parent()
        serve_base(socket.socket(fileno=control_fd), facts, folders)
        os._exit(0)
    os.close(control_fd)
    os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
