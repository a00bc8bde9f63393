"""What web allows the pump to show: the words of both ends of the control socket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PACKET_BYTES = 128 * 1024
May = Literal["type", "watch", "help"]


@dataclass(frozen=True)
class Grant:
    """One viewer's right.

    Attributes:
        viewer: a random id of this one connection.
        person: an opaque id of who it is, the same for all of their viewers.
        terminal: `LAB.NAME`.
        may: type, only watch, or help: type where another's terminal is, whose size stays theirs.
        until: when it ends by itself (unix seconds), whatever becomes of web.
    """

    viewer: str
    person: str
    terminal: str
    may: May
    until: float
