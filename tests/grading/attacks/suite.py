"""All cases."""

from __future__ import annotations

from . import carry_over, comparison, files, honest, leaving, processes, reading, reports, resources, sources

_MODULES = (comparison, reports, files, processes, reading, resources, leaving, carry_over, sources)
ATTACKS = [case for module in _MODULES for case in module.CASES]
HONEST = honest.CASES
