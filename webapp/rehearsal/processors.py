"""Who spends this machine's processors: the server, whoever plays, and others."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PRIORITY = 2  # of 99; the server's pump has 1
_SESSION, _USER, _CHILDREN_SYSTEM = 3, 11, 14
"""Fields of proc_pid_stat(5), counted from the one after the name."""


def go_first() -> None:
    """Let this process run before the server: whoever types does it on a computer of their own.

    What it starts is ordinary; and so is it itself where the kernel won't.
    """
    with suppress(OSError):
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(_PRIORITY))


class Processors:
    """Shares of all the machine's processors: 1 is all of them, all the time.

    Attributes:
        busy: what was spent, by anybody.
        others: what other programs had taken just before.
        players: what the play itself took, its browsers included; a class brings its own computers.
    """

    def __init__(self) -> None:
        self.busy = self.others = self.players = 0.0
        self._session: int | None = None
        self._began = (0.0, 0.0, 0.0)

    @property
    def server(self) -> float:
        """What the server and its labs took: all that nobody else did."""
        return max(0.0, self.busy - self.others - self.players)

    async def look_at_others(self, seconds: float) -> None:
        """While nobody plays: how much is taken all the same."""
        before = _machine()
        await asyncio.sleep(seconds)
        after = _machine()
        self.others = (after[0] - before[0]) / max(_TICK_S, after[1] - before[1])

    def begin(self, session: int | None) -> None:
        """From here on it is counted.

        Args:
            session: of the browser's processes, where there is one.
        """
        self._session = session
        self._began = (*_machine(), self._spent_by_players())

    def end(self) -> None:
        """Until here."""
        busy, there_was = _machine()
        whole = max(_TICK_S, there_was - self._began[1])
        self.busy = (busy - self._began[0]) / whole
        self.players = (self._spent_by_players() - self._began[2]) / whole

    def _spent_by_players(self) -> float:
        theirs = _of_session(self._session) if self._session else 0.0
        return time.process_time() + theirs


def _machine() -> tuple[float, float]:
    """Seconds of all processors since it began: spent, and there to be spent."""
    line = (_PROC / "stat").read_text().partition("\n")[0]
    user, nice, system, idle, waiting, *rest = map(int, line.split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy * _TICK_S, (busy + idle + waiting) * _TICK_S


def _of_session(session: int) -> float:
    """Seconds that the processes of a session have spent, and their children that have ended."""
    spent = 0
    for path in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[_SESSION]) == session:
                spent += sum(map(int, fields[_USER : _CHILDREN_SYSTEM + 1]))
    return spent * _TICK_S
