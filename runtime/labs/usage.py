"""What a lab uses, and of how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place


def read(place: Place, lab: Lab) -> dict[str, Any]:
    """One reading, as the verb `lab.usage` answers it."""
    used = place.usage(lab.id)
    limits = lab.shape.limits
    return {
        "memory_bytes": used.memory_bytes,
        "memory_limit_bytes": limits.memory_bytes,
        "pids": used.pids,
        "pids_limit": limits.pids,
        "cpu_seconds": used.cpu_seconds,
        "cpu_cores": limits.cpu_cores,
        "memory_kills": place.hits(lab.id).memory_kills,
    }
