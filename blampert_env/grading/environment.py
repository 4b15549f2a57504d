"""The environment variables of every process below the grader."""

from __future__ import annotations

import os


def environment(python: str, home: str, tmp: str) -> dict[str, str]:
    """The whole environment of a run; nothing of the trainer's, where API keys are."""
    found = {
        "PATH": os.pathsep.join([os.path.dirname(python), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": home,
        "TMPDIR": tmp,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TF_BUILD": "1",  # Hypothesis takes its CI profile: no random seeds, no deadline in milliseconds
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):  # some interpreters do not start without
        if name in os.environ:
            found[name] = os.environ[name]
    return found
