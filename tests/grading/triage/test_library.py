"""The list of library members holds nothing that leads out or that can be changed for everybody."""

from __future__ import annotations

import importlib
import types

import pytest

from blampert_env.grading.triage import library, words

CHANGEABLE = (list, dict, set, bytearray)


@pytest.mark.parametrize("module", sorted(library.MEMBERS))
def test_members_are_no_modules_and_no_tables(module: str) -> None:
    found = (
        importlib.import_module(module) if module not in ("numpy.random",) else importlib.import_module("numpy").random
    )
    present = [name for name in library.MEMBERS[module] if hasattr(found, name)]
    assert len(present) >= 0.8 * len(library.MEMBERS[module]), set(library.MEMBERS[module]) - set(present)
    for name in present:
        value = getattr(found, name)
        assert not isinstance(value, (types.ModuleType, *CHANGEABLE)), name
        assert not name.startswith("_")
        if isinstance(value, type) and module != "pandas":
            for inner, attribute in ((inner, a) for base in value.__mro__ for inner, a in vars(base).items()):
                if not inner.startswith("_") and inner not in words.LEADS_OUT:
                    assert not isinstance(attribute, (types.ModuleType, *CHANGEABLE)), (name, inner)


def test_what_leads_out_is_on_no_list() -> None:
    listed = {name for names in library.MEMBERS.values() for name in names} - {
        "dump"
    }  # json's writes to what it is given
    assert not listed & words.LEADS_OUT
    assert not words.FREE & {
        "eval",
        "exec",
        "open",
        "getattr",
        "vars",
        "type",
        "BaseException",
        "Exception",
        "memoryview",
    }
