"""Labs as guests of the workshop's registry: who asks, what is theirs there, and what they may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.container import profile as profiles
from runtime.image.reference import USUAL
from runtime.network.allowed import AllowList
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runtime.labs.state import Lab


def who(labs: Iterable[Lab], address: str) -> dict[str, Any]:
    """The lab that has an address, as `registry.who` answers it.

    Raises:
        Problem: `lab-unknown`, also for a lab that has no engine.
    """
    for lab in labs:
        if lab.address == address and profiles.load(lab.shape.profile).registry_settings:
            return {"lab": lab.id, "own": lab.hostname, "asks": may_ask(lab)}
    raise Problem("lab-unknown", f"There is no lab with the address {address}.")


def gone(labs: Iterable[Lab], names: Iterable[str]) -> list[str]:
    """Those of these names that no living lab's images begin with."""
    living = {lab.hostname for lab in labs}
    return [name for name in names if name not in living]


def may_ask(lab: Lab) -> bool:
    """Whether registries outside may be asked for it: a name is a message, too."""
    return may_reach(lab, USUAL)


def may_reach(lab: Lab, host: str) -> bool:
    """Whether a lab may ask for the address of a host outside."""
    allowed = lab.shape.allowed
    name = tuple(host.encode().split(b"."))
    return lab.shape.internet and (not allowed or AllowList(allowed).allows(name))
