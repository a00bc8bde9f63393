"""What the buttons of machine and container ask for: on a page, in a reset, in `lesson test`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.problems import Problem

if TYPE_CHECKING:
    from webapp.engines.seam import Engine

UNTIL_NO = "until-no"
STOP = "stop"
TRIES_MOST = 50


def boot(engine: Engine, lab: str, how: str, *, rows: int, cols: int) -> dict[str, Any]:
    """Put the lab's machine in line; first the container's cold start is timed, if it never was.

    One after the other, so that neither slows the other down.

    Raises:
        Problem: the runtime's.
    """
    if engine.meter_read(lab)["container"]["starts"]["cold"] is None:
        engine.meter_start(lab)
    return engine.machine_boot(lab, how, rows=rows, cols=cols)


def ask_planner(engine: Engine, lab: str, what: str) -> None:
    """Ask for one more `machine` or `container`, for machines until the answer is no, or for none.

    Raises:
        Problem: `command-stuck` where the answer is never no; or the runtime's.
    """
    if what == STOP:
        engine.plan_less(lab)
    elif what != UNTIL_NO:
        engine.plan_more(lab, what)
    elif not any(engine.plan_more(lab, "machine")["refused"] for _ in range(TRIES_MOST)):
        raise Problem(
            "command-stuck",
            f"After `more: {UNTIL_NO}`, {TRIES_MOST} more were started and none refused.",
            "Does the solution leave it?",
        )
