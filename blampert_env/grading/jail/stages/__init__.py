"""From a warm process to one evaluation: base, lanes, zygotes, pytest sessions. Knows walls and wire."""
