"""One more container, cold, timed to the first byte of its prompt."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, NamedTuple

from runtime.labs import life
from runtime.meter.figures import Start, StopWatch
from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.container.crun import Crun
    from runtime.image.store import Image
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab, Shape

_ROWS, _COLS = 24, 80
_PROMPT_S = 30.0


class Extra(NamedTuple):
    """A container that no page shows; `end` takes it away."""

    lab: Lab
    start: Start
    shells: TimedShells


class TimedShells:
    """Opens a shell that only we read, and stops the watch at its first byte.

    A learner's terminal is read by the pump alone, so its first byte can't be timed from here; this
    one is a container of the same shape, made the same way.
    """

    def __init__(self, crun: Crun) -> None:
        self.watch = StopWatch()
        self._crun = crun
        self._streams: list[int] = []

    def open(self, lab: str, name: str | None, rows: int, cols: int) -> None:
        """Open the shell and wait for its first byte.

        Raises:
            Problem: `terminal-failed` when none comes.
        """
        self.watch.done("engine")
        stream_fd = self._crun.open_shell(lab, rows, cols).stream_fd
        self._streams.append(stream_fd)
        poll = select.poll()
        poll.register(stream_fd, select.POLLIN)
        if not any(event & select.POLLIN for _, event in poll.poll(_PROMPT_S * 1000)):
            raise Problem(
                "terminal-failed",
                "The shell ended before it began.",
                "Open it again.",
                lab=lab,
                name=name,
            )
        self.watch.done("shell")

    def close_lab(self, lab: str) -> None:  # noqa: ARG002 - there is one lab
        """Hang the shell up."""
        for stream_fd in self._streams:
            os.close(stream_fd)
        self._streams.clear()


def make(parts: Parts, image: Image, shape: Shape) -> Extra:
    """Start one from nothing; it lives until `end`.

    Raises:
        Problem: whatever starting a lab raises; then nothing of it is left.
    """
    shells = TimedShells(parts.crun)
    lab = life.make(parts, image, shape, _ROWS, _COLS, shells)
    return Extra(lab, shells.watch.start(), shells)


def end(parts: Parts, extra: Extra) -> None:
    """End it, and leave nothing."""
    extra.shells.close_lab(extra.lab.id)
    life.end(parts, extra.lab.id)
