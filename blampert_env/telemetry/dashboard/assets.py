"""The page's files: ours, and plotly.js out of the installed plotly package, so that nothing comes from elsewhere."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from functools import lru_cache
from pathlib import Path

from blampert_env.errors import UsageError

HERE = Path(__file__).parent
MISSING = "the dashboard needs plotly: pip install 'blampert[monitor]'"
# plotly.js brings the styles of its maps as an inline <style>, which our policy refuses, unless this id is taken
_STYLE_ID = re.compile(rb'getElementById\("([0-9a-f]{64})"\)\)\{var \w+=document\.createElement\("style"\)')
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Assets:
    """Static files by name, in memory, each with a version for its address.

    Raises:
        UsageError: plotly is not installed.
    """

    def __init__(self) -> None:
        files = {path.name: path for path in sorted((HERE / "static").iterdir())} | {"plotly.min.js": _plotly()}
        self._files = {name: (path.read_bytes(), _TYPES[path.suffix]) for name, path in files.items()}
        self.version = hashlib.sha256(b"".join(content for content, _ in self._files.values())).hexdigest()[:16]
        found = _STYLE_ID.search(self._files["plotly.min.js"][0])
        self.reserved_id = found.group(1).decode() if found else "none"

    def get(self, name: str) -> tuple[bytes, str] | None:
        """Content and type of a file; None if there is none of that name."""
        return self._files.get(name)


@lru_cache(maxsize=1)
def load_assets() -> Assets:
    """The files, read once.

    Raises:
        UsageError: plotly is not installed.
    """
    return Assets()


def _plotly() -> Path:
    """plotly.min.js; the package is found, not imported, which would take half a second."""
    spec = importlib.util.find_spec("plotly")
    path = Path(str(spec.origin)).parent / "package_data" / "plotly.min.js" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise UsageError(MISSING)
    return path
