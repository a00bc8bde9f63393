"""Notices a process of ours that lives but answers nobody: only its end lets it come back."""

from __future__ import annotations

import socket
from dataclasses import dataclass

LOOK_S = 2.0
# Counted in looks, not in seconds: when the whole machine slept, nobody is to blame.
PATIENCE_LOOKS = 10
# Until the first answer: the web's socket is the supervisor's and takes questions before the web
# itself is there, and on a slow or busy machine that takes a minute.
START_LOOKS = 90
_CONNECT_S = 1.0


@dataclass(frozen=True)
class Probe:
    """How a process is asked for a sign of life.

    Attributes:
        address: its socket's path, for packets; or host and port, for a stream.
        question: something small that it answers, be it with a refusal.
    """

    address: str | tuple[str, int]
    question: bytes


class Watchdog:
    """Asks one process, and never waits for the answer.

    Args:
        probe: what it is asked.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._asking: socket.socket | None = None
        self._looks = 0
        self._has_answered = False

    def is_hung(self) -> bool:
        """Look whether the last question was answered, and ask the next one.

        A process that doesn't listen yet isn't hung: how long a start may take is not known here.
        """
        if self._asking and not _has_answered(self._asking):
            self._looks += 1
            return self._looks >= (PATIENCE_LOOKS if self._has_answered else START_LOOKS)
        self._has_answered = self._has_answered or self._asking is not None
        self.close()
        self._looks = 0
        self._asking = self._ask()
        return False

    def close(self) -> None:
        """Ask no more."""
        if self._asking:
            self._asking.close()
            self._asking = None

    def _ask(self) -> socket.socket | None:
        address = self._probe.address
        is_path = isinstance(address, str)
        sock = socket.socket(
            socket.AF_UNIX if is_path else socket.AF_INET,
            socket.SOCK_SEQPACKET if is_path else socket.SOCK_STREAM,
        )
        sock.settimeout(_CONNECT_S)
        try:
            sock.connect(address)
            sock.send(self._probe.question)
            sock.setblocking(False)  # noqa: FBT003
        except OSError:  # not there yet, or a full backlog: asked again at the next look
            sock.close()
            return None
        return sock


def _has_answered(sock: socket.socket) -> bool:
    try:
        sock.recv(1)
    except BlockingIOError:
        return False
    except OSError:  # hung up on, and so by somebody
        return True
    return True
