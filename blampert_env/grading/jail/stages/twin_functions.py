"""Impossible twins in a collected session: the functions that tests are made of get the code of their twins."""

from __future__ import annotations

import ast
import inspect
import os
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

from .swap import Unfit, places


def definitions(item: Any, root: str) -> list[str]:
    """``path::qualname`` of where the function of a test may stand: as its code says, and as its name says.

    The second is where a decorator hides the function, or where a class inherits it.
    """
    found: list[tuple[str, str]] = []
    function = _function(item)
    if function is not None:
        found.append((function.__code__.co_filename, function.__code__.co_qualname))
    outer = getattr(item, "function", None)
    owners = item.cls.__mro__ if getattr(item, "cls", None) else [getattr(item, "module", None)]
    for owner in owners if outer is not None else ():
        names = (getattr(item, "originalname", None), getattr(outer, "__name__", None))
        name = next((one for one in names if one and one in vars(owner)), None)
        if name:
            module = sys.modules.get(owner.__module__) if isinstance(owner, type) else owner
            file = getattr(module, "__file__", None) or ""
            found.append((file, f"{owner.__qualname__}.{name}" if isinstance(owner, type) else name))
            break
    inside = [(file, name) for file, name in found if file.startswith(root + os.sep)]
    return list(dict.fromkeys(f"{os.path.relpath(file, root)}::{name}" for file, name in inside))


def put_twins(
    items: Sequence[Any],
    root: str,
    originals: Mapping[str, bytes],
    twins: Mapping[str, bytes],
    wanted: Sequence[str],
) -> None:
    """Give test functions the code of their twins, whose assertions are not rewritten: nobody reads what they say.

    Args:
        items: The collected tests.
        root: The folder that the project lies in.
        originals: Path to content of test files, as they were loaded.
        twins: The same with twins in them, and what these use at the end.
        wanted: Ids of the tests that become twins.

    Raises:
        Unfit: A twin cannot take the place of its test.
    """
    codes: dict[str, types.CodeType] = {}
    extras: dict[str, types.CodeType] = {}
    for path, content in twins.items():
        file = os.path.join(root, path)
        tree = ast.parse(content, file)
        extra = tree.body[len(ast.parse(originals[path]).body) :]
        extras[path] = compile(ast.Module(extra, []), file, "exec", dont_inherit=True)
        codes |= {
            f"{path}::{code.co_qualname}": code for _, code in places(compile(tree, file, "exec", dont_inherit=True))
        }
    prepared: set[tuple[str, int]] = set()
    ids = set(wanted)
    for item in items:
        function = _function(item) if item.nodeid in ids else None
        if function is None:
            if item.nodeid in ids:
                raise Unfit(item.nodeid)
            continue
        path = os.path.relpath(function.__code__.co_filename, root)
        code = codes.get(f"{path}::{function.__code__.co_qualname}")
        if code is None or function.__code__.co_freevars != code.co_freevars:
            raise Unfit(item.nodeid)
        function.__code__ = code
        if (path, id(function.__globals__)) not in prepared:
            prepared.add((path, id(function.__globals__)))
            exec(extras[path], function.__globals__)


def _function(item: Any) -> types.FunctionType | None:
    """The plain function under whatever decorates it."""
    found = getattr(item, "function", None)
    found = getattr(getattr(found, "hypothesis", None), "inner_test", found)
    try:
        found = inspect.unwrap(found) if callable(found) else None
    except ValueError:  # it wraps itself
        return None
    return found if isinstance(found, types.FunctionType) else None
