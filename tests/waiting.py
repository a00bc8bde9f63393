"""Waiting for a condition, with a deadline; never for an amount of time."""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


def wait_for(ask: Callable[[], Answer], what: str, deadline_s: float = 20.0) -> Answer:
    """Ask until the answer is true, and give it.

    Args:
        ask: asked again every few milliseconds.
        what: named in the failure.
        deadline_s: long enough for a loaded machine; reached only where something is wrong.
    """
    end = time.monotonic() + deadline_s
    while not (answer := ask()):
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        select.select([], [], [], 0.01)
    return answer


def wait_for_threads(name: str) -> None:
    """Until no thread works any more whose name begins so."""
    wait_for(
        lambda: not any(each.name.startswith(name) for each in threading.enumerate()),
        f"{name} to be done",
    )
