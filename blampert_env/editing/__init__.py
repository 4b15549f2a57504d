"""Edits: replace one target's source, check it, apply it, show the difference."""

from blampert_env.editing.apply import apply_edit
from blampert_env.editing.diff import unified_diff
from blampert_env.editing.edit import REASONS, Edit

__all__ = ["REASONS", "Edit", "apply_edit", "unified_diff"]
