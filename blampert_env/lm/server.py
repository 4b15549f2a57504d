"""The embedded server's own process: llama.cpp on a loopback port. A script; ``embedded.py`` runs it.

A process of its own, because llama.cpp's threads make ``fork`` unsafe for the process that holds them (measured: a
forked child hangs at exit), its OpenMP settings would leak into torch, and a crash in it must not end a training run.

Protocol: one line of JSON settings on stdin; one line of JSON ``{"url": ...}`` on stdout once the model answers; it
ends when stdin is closed or its parent is gone, whichever comes first. It imports nothing of Blampert.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from typing import Any


def main() -> None:
    """Serve until the parent is gone."""
    parent = os.getppid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C belongs to the parent, which ends us in its own time
    settings = json.loads(sys.stdin.readline())
    answer = os.dup(1)
    os.dup2(2, 1)  # whatever llama.cpp prints goes to the log
    server = _start(settings)
    os.write(answer, (json.dumps({"url": server.listening_address}) + "\n").encode())
    os.close(answer)
    while os.getppid() == parent:
        readable, _, _ = select.select([0], [], [], 1.0)
        if readable and not os.read(0, 1024):
            break
    os._exit(0)  # the server's destructor may wait for a generation under way


def _start(settings: dict[str, Any]) -> Any:
    import xllamacpp

    return xllamacpp.Server(parameters(settings))


def parameters(settings: dict[str, Any]) -> Any:
    """What the server is started with: ``xllamacpp.CommonParams``."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["path"]
    params.model_alias = {settings["model"]}
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["context"] * settings["slots"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.verbosity = -1
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = settings["threads"]
    params.cache_prompt = True
    params.cache_ram_mib = 256
    params.ui = False
    params.endpoint_slots = False
    return params


if __name__ == "__main__":
    main()
