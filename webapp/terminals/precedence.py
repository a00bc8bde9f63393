"""When the pump goes before every ordinary program, and when it doesn't.

The supervisor starts it real-time: a key waits for no program. A program that prints without end
gains nothing by that, it loses: what it prints reaches a pty through a worker of the kernel, an
ordinary one, and a real-time reader interrupts it at each piece. Measured: one `cat` alone is a
fifth faster with an ordinary reader. So the pump is one while all that it carries is a flood, and
nobody types beside it.
"""

from __future__ import annotations

import math
import os
import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from webapp.terminals.loop import Loop

FLOOD_S = 0.02  # what prints for longer, without a pause, is no echo and no screen
PAUSE_S = 0.05


class Precedence:
    """The pump's place in the kernel's scheduler; nothing happens where it can't be had back.

    Args:
        loop: the pump's.
    """

    __slots__ = (
        "_flooded_at",
        "_flooded_since",
        "_loop",
        "_may_give_up",
        "_policy",
        "_priority",
        "is_given_up",
    )

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._flooded_since = self._flooded_at = -math.inf
        self.is_given_up = False
        self._policy, self._priority = os.sched_getscheduler(0), os.sched_getparam(0)
        needs, (most, _) = self._priority.sched_priority, resource.getrlimit(resource.RLIMIT_RTPRIO)
        self._may_give_up = needs > 0 and (most >= needs or os.geteuid() == 0)

    def flooded(self) -> None:
        """A program printed much just now, and nobody types into another terminal."""
        now = self._loop.now
        if now - self._flooded_at > PAUSE_S:
            self._flooded_since = now
        self._flooded_at = now
        if not self.is_given_up and now - self._flooded_since > FLOOD_S and self._may_give_up:
            self.is_given_up = True
            policy = os.SCHED_OTHER | self._policy & os.SCHED_RESET_ON_FORK
            os.sched_setscheduler(0, policy, os.sched_param(0))
            self._loop.later(PAUSE_S, self._look)

    def typed(self) -> None:
        """Somebody pressed a key."""
        if self.is_given_up:
            self.is_given_up = False
            self._flooded_since = self._loop.now
            os.sched_setscheduler(0, self._policy, self._priority)

    def _look(self) -> None:
        if not self.is_given_up:
            return
        if self._loop.now - self._flooded_at > PAUSE_S:
            self.typed()
        else:
            self._loop.later(PAUSE_S, self._look)
