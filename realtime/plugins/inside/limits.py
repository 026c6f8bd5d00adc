"""What the system lets a process of a plugin have, and no more."""

from __future__ import annotations

import resource
from collections.abc import Mapping


def limit(bounds: Mapping[int, int]) -> None:
    """Bound this process and what it starts, for good.

    A bound that the system has set lower already, of a shell or a service, stays.

    Parameters
    ----------
    bounds : by ``resource.RLIMIT_…``, for example bytes of a file
    """
    for kind, most in bounds.items():
        _, hardest = resource.getrlimit(kind)
        allowed = most if hardest == resource.RLIM_INFINITY else min(most, hardest)
        resource.setrlimit(kind, (allowed, allowed))
