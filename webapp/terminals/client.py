"""Web's door to the pump: hand a websocket over, take rights back, ask who looks.

Standard library only. Each call is one short connection to a process on this machine that never
blocks, so it needs no green socket; where nobody answers within a second the pump is down, and the
supervisor restarts it.
"""

from __future__ import annotations

import base64
import json
import socket
from typing import TYPE_CHECKING, Any

from runtime.client import Problem
from webapp.terminals.grants import PACKET_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.terminals.grants import Grant

TIMEOUT_S = 1.0


class Pump:
    """The pump as web sees it.

    Args:
        socket_path: the instance's pump/control.sock.
    """

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    def handover(
        self,
        sock: socket.socket | int,
        grant: Grant,
        *,
        after: int | None = None,
        epoch: int | None = None,
        early: bytes = b"",
    ) -> None:
        """Give the pump a websocket after its handshake; the caller still closes its own copy.

        Raises:
            Problem: `pump-away`, or `pump-refused` with what it didn't like.
        """
        packet = {
            **vars(grant),
            "after": after,
            "epoch": epoch,
            "early": base64.b64encode(early).decode(),
        }
        self._ask("handover", packet, [sock if isinstance(sock, int) else sock.fileno()])

    def withdraw(self, *, viewer: str = "", person: str = "", terminal: str = "") -> int:
        """End what a viewer, a person, or everyone at a terminal may; how many that were."""
        named = {"viewer": viewer, "person": person, "terminal": terminal}
        return int(self._ask("withdraw", {k: v for k, v in named.items() if v})["withdrawn"])

    def renew(self, *, viewer: str, until: float, may: str | None = None) -> None:
        """Let what a viewer may do last until another time (unix seconds); one that left is fine.

        Args:
            viewer: which.
            until: the new end.
            may: what they may from now on; None for what they might before.

        Raises:
            Problem: `pump-away`.
        """
        self._ask("renew", {"viewer": viewer, "until": until, "may": may})

    def record(self, terminal: str, fd: int, began_at: float) -> None:
        """Let the pump write what a terminal shows into a file; the caller closes its own copy.

        Args:
            terminal: `LAB.NAME`.
            fd: an asciicast, opened for appending, its first line written.
            began_at: the unix time that it counts from.

        Raises:
            Problem: `pump-away`, `pump-refused`.
        """
        self._ask("record", {"terminal": terminal, "began_at": began_at}, [fd])

    def glimpse(
        self, terminal: str, *, after: int | None = None, epoch: int | None = None
    ) -> dict[str, Any]:
        """What a terminal printed since `after`; without it, or of another epoch, its screen.

        Returns:
            `epoch`, `seq` (of the first byte of `output`), `rows`, `cols`, `preamble` (the modes
            that an empty screen needs first) and `output`.

        Raises:
            Problem: `pump-away`; `pump-refused` where it isn't there.
        """
        found = self._ask("glimpse", {"terminal": terminal, "after": after, "epoch": epoch})
        preamble, output = found["preamble"].encode("latin-1"), base64.b64decode(found["output"])
        return {**found, "preamble": preamble, "output": output}

    def grants(self) -> list[dict[str, Any]]:
        """Who looks at what, and until when."""
        return list(self._ask("grants", {})["grants"])

    def activity(self) -> list[dict[str, Any]]:
        """For each terminal: viewers, last input, last output (unix seconds)."""
        return list(self._ask("activity", {})["terminals"])

    def _ask(self, op: str, packet: dict[str, Any], fds: list[int] | None = None) -> dict[str, Any]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
                sock.settimeout(TIMEOUT_S)
                sock.connect(str(self._path))
                socket.send_fds(sock, [json.dumps({"op": op, **packet}).encode()], fds or [])
                answer = json.loads(sock.recv(8 * PACKET_BYTES) or b"{}")
        except (OSError, ValueError) as error:
            raise Problem(
                "pump-away",
                "The part of this server that carries terminals is away.",
                "It is started again by itself; programs in the labs go on meanwhile.",
            ) from error
        if "ok" not in answer:
            raise Problem(
                "pump-refused",
                f"The terminal could not be shown: {answer.get('refused', 'no answer')}.",
                "Reload the page.",
            )
        return dict(answer["ok"])
