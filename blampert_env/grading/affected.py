"""Which tests can have another outcome when some functions have other code.

Those that reach one of them (`jail/stages/tracing.py`), and those that can tell how a function is written without a
call: a test that reads the sources, or runs code out of sight, was seen doing so; one that looks at code objects names
them.
"""

from __future__ import annotations

import re
from functools import cached_property

from blampert_env.grading.edits import Edits
from blampert_env.grading.facts import Facts, State
from blampert_env.grading.jail.stages.tracing import EVERYTHING
from blampert_env.grading.suite import Suite

_CODE = re.compile(r"\b(?:__code__|co_[a-z]+|dis|getsource\w*|(?:f_|tb_)?lineno|settrace|setprofile)\b")
_KINDS = re.compile(r"\bis(?:async)?gen(?:erator)?(?:function)?\b|\bis(?:coroutine|generator)function\b|\bCO_[A-Z]+\b")
_DOCS = re.compile(r"\b(?:__doc__|getdoc|doctest|pydoc|help)\b")
_SEEN = ("passed", "skipped")
_NO_READERS = frozenset({"numpy", "pandas", "hypothesis", "pytest_mock", "_pytest", "freezegun", "dateutil", "pytz"})


class Sight:
    """What of a suite can tell how functions are written.

    Args:
        suite: The tests, and the project.
    """

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._tests = dict(suite.trusted_python())

    @cached_property
    def _looking(self) -> frozenset[str]:
        """Test files that look at code objects."""
        return frozenset(path for path, text in self._tests.items() if _CODE.search(text))

    @cached_property
    def _texts(self) -> str:
        return "\n".join([*self._tests.values(), *self._suite.project.sources.values()])

    @cached_property
    def _reads_docs(self) -> bool:
        """Whether somebody may read a docstring: a doctest, the project, or a library that makes a command of it."""
        libraries = {name.split(".")[0] for name in self._suite.preload} - _NO_READERS
        return bool(self._suite.project.doctests or libraries or _DOCS.search(self._texts))

    @cached_property
    def _asks_for_kinds(self) -> bool:
        return _KINDS.search(self._texts) is not None

    def tells(self, edits: Edits) -> bool:
        """Whether what differs can be told without a call: by docstrings, or by what kind a function is of."""
        return (edits.docs and self._reads_docs) or (edits.kinds and self._asks_for_kinds)

    def affected(self, facts: Facts, edits: Edits, state: State) -> set[str] | None:
        """Tests whose outcome may be another than the state's; None if that cannot be said.

        Args:
            facts: Of the project.
            edits: What differs from the state.
            state: In which it was seen what each test reaches.
        """
        if edits.rest or edits.functions & facts.at_import or self.tells(edits):
            return None
        # without right code nobody has seen what a test does that fails: it may wait for what another test leaves
        unseen = set() if facts.reference else {test for test in facts.ids if state.outcomes[test] not in _SEEN}
        found = {
            test
            for test in facts.ids
            if test in unseen
            or test in facts.flaky
            or test.split("::")[0] in self._looking
            or EVERYTHING in state.reached[test]
            or edits.functions & state.reached[test]
        }
        whole = facts.grouped & {test.split("::")[0] for test in found}
        return found | {test for test in facts.ids if test.split("::")[0] in whole}


__all__ = ["Sight"]
