"""Web's door to the pumps: hand a websocket over, take rights back, ask who looks.

Standard library only. Each call is one short connection to a process on this machine that never
blocks, so it needs no green socket; where nobody answers within a second the pump is down, and the
supervisor restarts it.
"""

from __future__ import annotations

import base64
import json
import socket
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from runtime.client import Problem, pump_names, pump_of
from webapp.terminals.grants import PACKET_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from webapp.terminals.grants import Grant

TIMEOUT_S = 1.0

Answer = TypeVar("Answer")


class Pump:
    """One pump as web sees it.

    Args:
        socket_path: the control.sock in its folder.
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
        page: str = "",
    ) -> None:
        """Give the pump a websocket after its handshake; the caller still closes its own copy.

        Args:
            sock: the websocket.
            grant: what it may do.
            after: the sequence number up to which the browser has the output.
            epoch: of that number.
            early: bytes that were read from it already.
            page: the browser's own word for its terminal; another connection of the same one,
                which it has given up, is closed.

        Raises:
            Problem: `pump-away`, or `pump-refused` with what it didn't like.
        """
        packet = {
            **vars(grant),
            "after": after,
            "epoch": epoch,
            "early": base64.b64encode(early).decode(),
            "page": page,
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

    def figures(self) -> dict[str, int]:
        """How many `terminals` and `viewers`; `typed_bytes`, `printed_bytes` since it began.

        Raises:
            Problem: `pump-away`.
        """
        return dict(self._ask("figures", {}))

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


class Pumps:
    """All pumps of a server: the one that carries a terminal, or each of them.

    A pump that is away carries nothing, and begins again without grants; so what is for all is done
    once those that are here have done it.

    Args:
        run_path: the instance's folder of sockets, with a folder for each pump.
        count: how many there are.
    """

    def __init__(self, run_path: Path, count: int = 1) -> None:
        self._count = count
        self._pumps = {name: Pump(run_path / name / "control.sock") for name in pump_names(count)}

    def of(self, terminal: str) -> Pump:
        """The pump that carries `LAB.NAME`."""
        return self._pumps[pump_of(terminal, self._count)]

    def record(self, terminal: str, fd: int, began_at: float) -> None:
        """As `Pump.record`, by the pump of the terminal."""
        self.of(terminal).record(terminal, fd, began_at)

    def glimpse(
        self, terminal: str, *, after: int | None = None, epoch: int | None = None
    ) -> dict[str, Any]:
        """As `Pump.glimpse`, of the pump of the terminal."""
        return self.of(terminal).glimpse(terminal, after=after, epoch=epoch)

    def withdraw(self, *, person: str) -> None:
        """End what a person may, at whatever terminal.

        Raises:
            Problem: `pump-away`, where all are.
        """
        self._each(lambda pump: pump.withdraw(person=person))

    def renew(self, *, viewer: str, until: float, may: str | None = None) -> None:
        """As `Pump.renew`, wherever the viewer is.

        Raises:
            Problem: `pump-away`, where all are.
        """
        self._each(lambda pump: pump.renew(viewer=viewer, until=until, may=may))

    def grants(self) -> list[dict[str, Any]]:
        """Who looks at what, and until when.

        Raises:
            Problem: `pump-away`, where all are.
        """
        return list(chain.from_iterable(self._each(Pump.grants)))

    def activity(self) -> list[dict[str, Any]]:
        """For each terminal: viewers, last input, last output (unix seconds).

        Raises:
            Problem: `pump-away`, where one is: without its terminals the rest would mislead.
        """
        return list(chain.from_iterable(pump.activity() for pump in self._pumps.values()))

    def figures(self) -> dict[str, int]:
        """As `Pump.figures`, of all together.

        Raises:
            Problem: `pump-away`, where one is: without its terminals the sum would mislead.
        """
        total: Counter[str] = Counter()
        for pump in self._pumps.values():
            total.update(pump.figures())
        return dict(total)

    def _each(self, ask: Callable[[Pump], Answer]) -> list[Answer]:
        """Ask every pump; the answers of those that are here."""
        answers: list[Answer] = []
        away: Problem | None = None
        for pump in self._pumps.values():
            try:
                answers.append(ask(pump))
            except Problem as problem:
                away = problem
        if away and not answers:
            raise away
        return answers
