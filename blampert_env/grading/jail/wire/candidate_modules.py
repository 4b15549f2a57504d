"""The candidate's modules as the tests import them."""

from __future__ import annotations

import builtins
import sys
import types
from typing import Any

from .remote import ask, get

__tracebackhide__ = True  # in what pytest shows of a failure


class CandidateModule(types.ModuleType):
    """A module of the candidate's: every name is asked for there, where the first imports it.

    Args:
        name: Its name.
        taken: Takes module and name of whatever is asked for.
        exports: For each module, the names that a star import may take: what the first one found.
    """

    def __init__(self, name: str, taken: list[tuple[str, str]], exports: dict[str, list[str]]) -> None:
        super().__init__(name)
        vars(self).update(__blampert_taken__=taken, __blampert_exports__=exports)

    def __getattr__(self, name: str) -> Any:
        try:
            value = self._public() if name == "__all__" else get(self, name)
        except (SystemExit, GeneratorExit) as error:  # pytest would stop
            raise ImportError(f"{type(error).__name__}: {error}") from None
        except AttributeError:
            value = sys.modules.get(f"{self.__name__}.{name}")
            if not isinstance(value, CandidateModule):
                raise
        if name != "__all__" and not isinstance(value, CandidateModule):
            vars(self)["__blampert_taken__"].append((self.__name__, name))
        return value

    def _public(self) -> list[str]:
        """No names of the runner's: builtins, or what the untouched project does not offer."""
        found = [str(name) for name in ask("names", self)]
        found = [name for name in found if not name.startswith("_") and not hasattr(builtins, name)]
        known = vars(self)["__blampert_exports__"].setdefault(self.__name__, found)
        return [name for name in found if name in known]

    def __setattr__(self, name: str, value: Any) -> None:
        if (name.startswith("__") and name.endswith("__")) or isinstance(value, CandidateModule):
            super().__setattr__(name, value)
        else:
            ask("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        ask("del", self, name)

    def __dir__(self) -> list[str]:
        return list(ask("special", self, "__dir__", (), ()))


CandidateModule.__doc__ = property(lambda self: get(self, "__doc__"))  # type: ignore[assignment]
