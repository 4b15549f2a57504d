"""The side of a task by its content."""

from __future__ import annotations

import hashlib

import pytest

from blampert_env.projects import Project, split_of

FILES = {
    "a.py": "def f():\n    # TODO: implement\n    raise NotImplementedError\n",
    "test_a.py": "from a import f\n\n\ndef test_f():\n    assert f() == 1\n",
}
HASHES = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(2000)]


def test_by_content_not_by_name() -> None:
    one, other = (Project.from_files(name, FILES) for name in ("one", "other"))
    assert split_of(one) == split_of(other) == split_of(one.fingerprint)


@pytest.mark.parametrize("held", [0.0, 0.2, 0.5, 1.0])
def test_shares(held: float) -> None:
    share = sum(split_of(one, held) == "test" for one in HASHES) / len(HASHES)
    assert share == pytest.approx(held, abs=0.04 if 0 < held < 1 else 0)


def test_more_held_out_moves_tasks_to_one_side_only() -> None:
    few, many = ({one for one in HASHES if split_of(one, held) == "test"} for held in (0.2, 0.5))
    assert few < many


@pytest.mark.parametrize(("task", "held"), [(HASHES[0], 1.1), (HASHES[0], -1), ("calculator", 0.5)])
def test_what_is_no_share_or_no_hash(task: str, held: float) -> None:
    with pytest.raises(ValueError, match=r"held|invalid literal"):
        split_of(task, held)
