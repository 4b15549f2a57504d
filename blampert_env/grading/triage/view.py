"""One file as its edit sees it: trusted names, and those that the edit adds."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from blampert_env.grading.triage.facts import ModuleFacts
from blampert_env.grading.triage.given import Given
from blampert_env.grading.triage.project import ProjectFacts
from blampert_env.grading.triage.scopes import Binding

_UNKNOWN = ModuleFacts("", ())


@dataclass
class FileView:
    """What an edit of one file may know, and what is found out about it."""

    project: ProjectFacts
    path: str
    new: dict[str, Binding] = field(default_factory=dict)  # names that the edit binds at the top of the file
    new_methods: set[str] = field(default_factory=set)
    edit_stores: frozenset[str] = frozenset()  # attributes that its methods keep in their objects
    powered: set[str] = field(default_factory=set)  # edited functions that do by name what their callers say
    givens: dict[str, Given] = field(default_factory=dict)  # what edited functions are given
    turned: list[ast.AST] = field(default_factory=list)  # handlers that turn what tests raise into something else
    swallows: bool = False  # whether the edit goes on after an exception

    @property
    def module(self) -> ModuleFacts:
        """The trusted file."""
        return self.project.files.get(self.path, _UNKNOWN)

    def binding(self, name: str) -> Binding | None:
        """What a name at the top of the file stands for; None if it is not bound there."""
        return self.new[name] if name in self.new else self.project.resolve(self.path, name)
