"""Brings a fresh lab to where a step begins: boots, types into both sides, asks the planner."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from webapp.lesson_format.model import Where
from webapp.problems import Problem
from webapp.workshops import asking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from webapp.engines.seam import Engine
    from webapp.lesson_format.model import Beginning

log = structlog.get_logger()

PATIENCE_S = 120.0
_LEAST_S = 1.0
_LOOK_S = 0.5
_ON_ITS_WAY = {"queued", "booting"}
LATE = (
    "What the steps before do in it took longer than two minutes, so not all of it is there: go "
    "back to the step that you miss something of."
)
NO_MACHINE = "Its machine did not come, so what the steps before do in it is not there: {why}"
NO_MORE = "What the steps before start beside it is not all there: {why}"


def play(
    engine: Engine,
    lab: str,
    beginning: Beginning,
    *,
    in_machine: bool = False,
    told: Callable[[int, int], None] | None = None,
) -> str:
    """Do what comes before a step; the machine boots while commands run in the container.

    How a command ends is its own affair, as in the lesson.

    Args:
        engine: has the lab.
        lab: a fresh one.
        beginning: what to do.
        in_machine: whoever works in it has no container, so all of it is done in the machine.
        told: hears how many commands are done, and of how many.

    Returns:
        What isn't there, in a sentence; empty when all is.

    Raises:
        Problem: the container's shell could not be had, or the runtime is away.
    """
    until = time.monotonic() + PATIENCE_S
    here = () if in_machine else beginning.typed_into(Where.CONTAINER)
    there = beginning.typed_into(Where.BOTH if in_machine else Where.MACHINE)
    of, missing = len(here) + len(there), ""
    if boot := beginning.boot or ("cold" if in_machine else ""):
        missing = _boot(engine, lab, boot, in_machine=in_machine)
    hand = _Hand(engine, lab, until, told)
    if here and hand.is_late(here, Where.CONTAINER, 0, of):
        return LATE
    if boot and not missing:
        missing = _await_prompt(engine, lab, until)
    if there and not missing:
        try:
            missing = LATE if hand.is_late(there, Where.MACHINE, len(here), of) else ""
        except Problem as problem:
            missing = _without(lab, problem)
    # Last, so that what is started beside it takes no processor time from what was typed.
    unasked = _ask(engine, lab, beginning.asks)
    return missing or unasked


def _ask(engine: Engine, lab: str, asks: Sequence[str]) -> str:
    """Ask the planner; which answer is wanting, and why, or empty. A no is an answer."""
    try:
        for what in asks:
            asking.ask_planner(engine, lab, what)
    except Problem as problem:
        log.warning("lab.without_more", lab=lab, code=problem.code)
        return NO_MORE.format(why=problem.sentence)
    return ""


def _boot(engine: Engine, lab: str, how: str, *, in_machine: bool) -> str:
    """Have a machine booted; why that can't be, or empty."""
    try:
        if in_machine:  # nobody sees its container, so nobody compares how they start
            engine.machine_boot(lab, how, rows=24, cols=80)
        else:
            asking.boot(engine, lab, how, rows=24, cols=80)
    except Problem as problem:
        return _without(lab, problem)
    return ""


def _await_prompt(engine: Engine, lab: str, until: float) -> str:
    while True:
        machine = engine.lab_get(lab)["machine"]
        if machine["state"] == "ready":
            return ""
        if machine["state"] not in _ON_ITS_WAY:
            return NO_MACHINE.format(why=machine["sentence"])
        if time.monotonic() > until:
            return LATE
        time.sleep(_LOOK_S)


@dataclass(frozen=True)
class _Hand:
    """Types commands into a lab, until their time is over."""

    engine: Engine
    lab: str
    until: float
    told: Callable[[int, int], None] | None

    def is_late(self, commands: Sequence[str], where: Where, before: int, of: int) -> bool:
        """Types them into one shell that begins at home; whether the time was over before they.

        Args:
            commands: what.
            where: into which side.
            before: how many were done elsewhere.
            of: how many there are in all.
        """
        left_s = max(_LEAST_S, self.until - time.monotonic())

        def hear(progress: Mapping[str, Any]) -> None:
            if self.told is not None:
                self.told(before + int(progress["done"]), of)

        ran = self.engine.lab_prepare(self.lab, script_of(commands), left_s, where=where, told=hear)
        return bool(ran["is_over"])


def script_of(commands: Sequence[str]) -> str:
    """Commands as one shell runs them that begins at home, and says after each how many are done.

    What they start doesn't hold the descriptor on which that is said.
    """
    lines = ["cd"]
    for number, command in enumerate(commands, 1):
        lines += ["{", command, "} 9>&-", f"echo {number} >&9"]
    return "\n".join(lines)


def _without(lab: str, problem: Problem) -> str:
    log.warning("lab.without_machine", lab=lab, code=problem.code)
    return NO_MACHINE.format(why=problem.sentence)
