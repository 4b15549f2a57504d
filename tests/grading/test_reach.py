"""Code that is not plain: what leads out of it, and where it may write over what a test goes by."""

from __future__ import annotations

import pytest

from blampert_env.grading.reach import what_it_reaches, writes_files


def edited(body: str) -> dict[str, str]:
    """A candidate whose function has this body."""
    return {"m.py": f"import os\nfrom pathlib import Path\n\n\ndef f(path):\n    {body}\n"}


@pytest.mark.parametrize(
    ("body", "writes"),
    [
        ("open(path, 'w')", False),
        ("path.open('w')", False),
        ("path.write_text('x')", False),
        ("Path(path).write_text('x')", False),
        ("Path(path).open('w')", False),
        ("open('data.json')", False),
        ("Path('data.json').open('rb')", False),
        ("open('data.json', 'w')", True),
        ("Path('data.json').open('w')", True),
        ("Path('data.json').open(mode='a')", True),
        ("Path('data.json').write_text('x')", True),
        ("(Path(path).parent / 'data.json').write_text('x')", True),
        ("Path(path, 'data.json').write_text('x')", True),
        ("open(os.path.join(os.path.dirname(path), 'data.json'), 'w')", True),
        ("os.unlink(path)", True),
        ("path.unlink()", True),
        ("os.makedirs(path)", True),
    ],
)
def test_files_that_are_not_handed_over(body: str, writes: bool) -> None:
    assert bool(writes_files({"m.py": ""}, edited(body))) == writes


@pytest.mark.parametrize(
    ("body", "is_out"),
    [
        ("os.write(1, b'x')", False),
        ("os.write(2, b'x')", False),
        ("os.system('echo from-shell')", False),
        ("os.write(3, b'x')", True),
        ("os.write(path, b'x')", True),
        ("os.system('cp a /tmp/b')", True),
        ("os.system('echo x > b')", True),
        ("os.system(path)", True),
        ("os.popen('echo x')", True),
        ("write = os.write", True),
        ("os.chdir(path)", True),
    ],
)
def test_what_leads_out(body: str, is_out: bool) -> None:
    assert bool(what_it_reaches({"m.py": ""}, edited(body), ())) == is_out
