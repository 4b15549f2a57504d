"""Resource limits of a process."""

import contextlib
from collections.abc import Mapping


def limit(limits: Mapping[str, int]) -> None:
    """Apply resource limits, named as in the `resource` module; what the system cannot limit is skipped."""
    try:
        import resource
    except ImportError:
        return
    for name, value in limits.items():
        kind = getattr(resource, name, None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (value, value))
