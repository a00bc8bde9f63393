"""The one object that each benchmark prints: the machine, the runs, and their ratios."""

from __future__ import annotations

import math
import os
import platform
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Series:
    """The same thing measured again and again."""

    name: str
    values_ms: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        """The middle one: on a shared machine the mean says more of the neighbours."""
        return statistics.median(self.values_ms)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`; each figure has its unit in its name."""
        ordered = sorted(self.values_ms)
        return {
            "name": self.name,
            "count": len(ordered),
            "median_ms": round(self.median_ms, 2),
            "p90_ms": round(quantile(ordered, 0.9), 2),
            "min_ms": round(ordered[0], 2),
            "values_ms": [round(value, 2) for value in self.values_ms],
        }


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies; the next larger one, never one between."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ratio(of: Series | None, to: Series | None) -> float | None:
    """How much of the other's time; None where one of them wasn't measured."""
    if of is None or to is None or not of.values_ms or not to.values_ms:
        return None
    return round(of.median_ms / to.median_ms, 3)


def lines_of(figures: dict[str, Any]) -> list[str]:
    """Series, ratios, and who is missing, for people."""
    lines = [
        f"{run['name']:22} {run['median_ms']:8.1f} ms (p90 {run['p90_ms']:.1f}, n={run['count']})"
        for run in figures["runs"]
    ]
    return [*lines, *ratios_of(figures)]


def ratios_of(figures: dict[str, Any]) -> list[str]:
    """Ratios, and who is missing, for people."""
    lines = [f"{name:24} {value}" for name, value in figures["ratios"].items()]
    missing = figures.get("missing", {})
    return [*lines, *(f"{name} was not measured: {why}" for name, why in missing.items())]


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "cgroup_version": 2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        "load_at_start": os.getloadavg()[0],
    }
