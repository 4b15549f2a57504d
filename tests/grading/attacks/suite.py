"""All cases."""

from __future__ import annotations

from . import (
    carry_over,
    comparison,
    files,
    honest_classes,
    honest_functions,
    honest_surroundings,
    leaving,
    processes,
    reading,
    reports,
    resources,
    sources,
    together,
)
from .honest import SOLUTIONS

_MODULES = (comparison, reports, together, files, processes, reading, resources, leaving, carry_over, sources)
_HONEST = (honest_classes, honest_functions, honest_surroundings)
ATTACKS = [case for module in _MODULES for case in module.CASES]
HONEST = [*(case for module in _HONEST for case in module.CASES), *SOLUTIONS]
