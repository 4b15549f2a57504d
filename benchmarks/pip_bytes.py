"""Saves source packages as bytes, by pip's own look-up, settings and session; nothing of them is built or run.

``pip download`` runs a source package's build back end to learn its dependencies, whatever its options, so the two
steps before that are called by themselves. They are pip's inner ones (used so by ``pip index`` too) and may move.

    python benchmarks/pip_bytes.py FOLDER NAME==VERSION [...]
"""

from __future__ import annotations

import sys
from pathlib import Path

from pip._internal.commands import create_command
from pip._internal.commands.download import DownloadCommand
from pip._vendor.packaging.specifiers import SpecifierSet


def save(folder: Path, wanted: list[str]) -> list[str]:
    """Write the files into the folder; what is not to be had is returned, a line each."""
    command = create_command("download")
    assert isinstance(command, DownloadCommand)
    options, wanted = command.parse_args(["--no-binary", ":all:", "--quiet", "--disable-pip-version-check", *wanted])
    missing = []
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session, ignore_requires_python=True)
        for one in wanted:
            name, _, version = one.partition("==")
            best = finder.find_best_candidate(name, SpecifierSet(f"=={version}")).best_candidate
            if best is None:
                missing.append(f"{one}: no source package in the index that pip uses")
                continue
            reply = session.get(best.link.url_without_fragment, headers={"Accept-Encoding": "identity"})
            if reply.status_code == 200:
                (folder / best.link.filename).write_bytes(reply.content)
            else:
                missing.append(f"{one}: the index answers {reply.status_code}")
    return missing


if __name__ == "__main__":
    print(*save(Path(sys.argv[1]), sys.argv[2:]), sep="\n")
