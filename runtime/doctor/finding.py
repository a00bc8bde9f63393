"""What a probe says of one thing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

State = Literal["good", "worse", "missing"]


@dataclass(frozen=True)
class Finding:
    """One thing of this machine that Slipway rests on.

    Attributes:
        name: kebab-case, the same on every machine.
        state: `good`; `worse`, where Slipway works with less; `missing`, where no lab can run.
        found: what is there.
        wanted: what should be.
        fix: what to do; empty where it is good.
    """

    name: str
    state: State
    found: str
    wanted: str
    fix: str = ""

    def as_dict(self) -> dict[str, str]:
        """For `--json`."""
        return dataclasses.asdict(self)


def judged(name: str, *, good: bool, found: str, wanted: str, fix: str) -> Finding:
    """A finding without which no lab can run."""
    return (
        Finding(name, "good", found, wanted)
        if good
        else Finding(name, "missing", found, wanted, fix)
    )


def advised(name: str, *, good: bool, found: str, wanted: str, fix: str) -> Finding:
    """A finding without which Slipway works with less."""
    return (
        Finding(name, "good", found, wanted) if good else Finding(name, "worse", found, wanted, fix)
    )
