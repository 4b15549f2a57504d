"""Where a process of the jail finds a project's modules."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence


def extend_path(folders: Sequence[str]) -> None:
    """Put the project behind the standard library and before installed packages."""
    site = (i for i, entry in enumerate(sys.path) if "site-packages" in entry or "dist-packages" in entry)
    at = next(site, len(sys.path))
    sys.path[at:at] = folders


def forget_folder(folder: str) -> None:
    """Let imports see what is in and below a folder now; what they know of the standard library stays known."""
    inside = folder.rstrip(os.sep) + os.sep
    for entry in [entry for entry in sys.path_importer_cache if f"{entry}{os.sep}".startswith(inside)]:
        del sys.path_importer_cache[entry]


def outside(modules: Mapping[str, str], root: str) -> Iterator[tuple[str, str]]:
    """Modules that should be the project's and are somebody else's: (project file, file that was imported)."""
    for name, path in modules.items():
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and not os.path.realpath(file).startswith(root + os.sep):
            yield path, file
