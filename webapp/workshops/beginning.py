"""Brings a fresh lab to where a step begins: boots its machine, and types into both sides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from webapp.lesson_format.model import Where
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def play(engine: Engine, lab: str, beginning: Beginning, *, in_machine: bool = False) -> str:
    """Do what comes before a step; the machine boots while commands run in the container.

    How a command ends is its own affair, as in the lesson.

    Args:
        engine: has the lab.
        lab: a fresh one.
        beginning: what to do.
        in_machine: whoever works in it has no container, so all of it is done in the machine.

    Returns:
        What isn't there, in a sentence; empty when all is.

    Raises:
        Problem: the container's shell could not be had, or the runtime is away.
    """
    until = time.monotonic() + PATIENCE_S
    here = () if in_machine else beginning.typed_into(Where.CONTAINER)
    there = beginning.typed_into(Where.BOTH if in_machine else Where.MACHINE)
    missing = ""
    if boot := beginning.boot or ("cold" if in_machine else ""):
        missing = _boot(engine, lab, boot)
    if here and _is_late(engine, lab, here, until, Where.CONTAINER):
        return LATE
    if boot and not missing:
        missing = _await_prompt(engine, lab, until)
    if there and not missing:
        missing = _type_there(engine, lab, there, until)
    return missing


def _boot(engine: Engine, lab: str, how: str) -> str:
    """Have a machine booted; why that can't be, or empty."""
    try:
        engine.machine_boot(lab, how, rows=24, cols=80)
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


def _type_there(engine: Engine, lab: str, commands: Sequence[str], until: float) -> str:
    try:
        return LATE if _is_late(engine, lab, commands, until, Where.MACHINE) else ""
    except Problem as problem:
        return _without(lab, problem)


def _is_late(engine: Engine, lab: str, commands: Sequence[str], until: float, where: Where) -> bool:
    """Type commands into one shell that begins at home; whether the time was over before they."""
    left_s = max(_LEAST_S, until - time.monotonic())
    script = "\n".join(["cd", *commands])
    return bool(engine.lab_prepare(lab, script, left_s, where=where)["is_over"])


def _without(lab: str, problem: Problem) -> str:
    log.warning("lab.without_machine", lab=lab, code=problem.code)
    return NO_MACHINE.format(why=problem.sentence)
