"""What the grader takes from inside pytest: a release that changes one of these is named here, not in a reward."""

from __future__ import annotations

import inspect
from unittest import mock

import pytest
from _pytest import config, main, monkeypatch, nodes, runner
from _pytest._code import code
from _pytest.assertion import rewrite


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (config._prepareconfig, ["args", "plugins"]),
        (config.Config._do_configure, ["self"]),
        (config.PytestPluginManager._loadconftestmodules, ["self", "path", "importmode", "rootpath"]),
        (config.PytestPluginManager.unregister, ["self", "plugin", "name"]),
        (main.Session.from_config, ["config"]),
        (main.Session.perform_collect, ["self", "args", "genitems"]),
        (rewrite.rewrite_asserts, ["mod", "source", "module_path", "config"]),
        (rewrite._rewrite_test, ["fn", "config"]),
        (code.getstatementrange_ast, ["lineno", "source", "assertion", "astnode"]),
        (runner.runtestprotocol, ["item", "log", "nextitem"]),
        (nodes.Node.listchain, ["self"]),
        (monkeypatch.MonkeyPatch.setattr, ["self", "target", "name", "value", "raising"]),
        (monkeypatch.MonkeyPatch.undo, ["self"]),
        (mock._patch.__enter__, ["self"]),  # type: ignore[attr-defined]
        (mock._patch.__exit__, ["self", "exc_info"]),  # type: ignore[attr-defined]
    ],
    ids=lambda value: getattr(value, "__qualname__", ""),
)
def test_signature(function: object, parameters: list[str]) -> None:
    found = list(inspect.signature(function).parameters)  # type: ignore[arg-type]
    assert found[: len(parameters)] == parameters


def test_state() -> None:
    """Attributes that are read or set."""
    patch = monkeypatch.MonkeyPatch()
    assert patch._setattr == []
    prepared = config._prepareconfig(["-p", "no:cacheprovider", "-c", "/dev/null"], [])
    manager = prepared.pluginmanager
    assert isinstance(manager._dirpath2confmods, dict)
    assert {"terminalreporter", "logging-plugin"} & {name for name, _ in manager.list_name_plugin()} == set()
    prepared._do_configure()
    assert {"terminalreporter", "capturemanager", "logging-plugin"} <= {n for n, _ in manager.list_name_plugin()}
    prepared._ensure_unconfigure()


def test_plugins_are_there() -> None:
    assert {"runner", "fixtures", "capture", "monkeypatch", "logging", "assertion"} <= set(config.default_plugins)
