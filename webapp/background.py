"""What is done again and again beside the requests: one bad turn doesn't end it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()


def every(seconds: float, what: str, act: Callable[[], object]) -> None:
    """Does it each so many seconds, for ever, in a thread (under eventlet a greenlet)."""

    def go_on() -> None:
        while True:
            time.sleep(seconds)
            turn(what, act)

    threading.Thread(target=go_on, name=what, daemon=True).start()


def within(seconds: float, what: str, act: Callable[[], object]) -> bool:
    """Does it once, in a thread of its own, for which nobody waits longer than that.

    Returns:
        Whether it is done; else it goes on.
    """
    is_done = threading.Event()

    def do() -> None:
        turn(what, act)
        is_done.set()

    threading.Thread(target=do, name=what, daemon=True).start()
    return is_done.wait(seconds)


def turn(what: str, act: Callable[[], object]) -> None:
    """Does it once, and never raises.

    Args:
        what: names it in the log.
        act: a `Problem` puts it off until the next turn; anything else is a fault of ours.
    """
    try:
        act()
    except Problem as problem:
        log.info("background.put_off", what=what, code=problem.code)
    except Exception:
        log.exception("background.broke", what=what)
