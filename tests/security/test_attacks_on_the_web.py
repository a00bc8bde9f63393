"""A learner, and a stranger, turn on the web from outside, while others work.

The witness has a runtime of its own: beside a whole server its keys would be the pump's to read.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from typing_extensions import override

from tests.integration.people import Learner, open_workshop
from tests.security.arena import ROW, Arena, Witness
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

# Asks for a neighbour's terminal, screen and step again and again; says what wasn't refused.
MESSAGES = """
import socket, sys
host, cookies, lab = sys.argv[1:4]
name, _, port = host.partition(":")
upgrade = "Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n" \\
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n"
while True:
    for place in f"/terminal/{lab}/1", f"/terminal/{lab}/1?after=0&epoch=0", f"/terminal/{lab}/2":
        with socket.create_connection((name, int(port)), 20) as sock:
            head = f"GET {place} HTTP/1.1\\r\\nHost: {host}\\r\\nOrigin: http://{host}\\r\\n"
            sock.sendall(f"{head}Cookie: {cookies}\\r\\n{upgrade}\\r\\n".encode())
            code = sock.recv(4096).split(b" ")[1]
            print("refused" if code in (b"403", b"404") else code.decode(), flush=True)
"""
# Connections without end; whatever the server closes is opened again.
IDLE = """
import socket, sys
name, _, port = sys.argv[1].partition(":")
held = []
while True:
    try:
        held.append(socket.create_connection((name, int(port)), 20))
        held[-1].sendall(b"GET / HTTP/1.1\\r\\nHost: ")
    except OSError: pass
    if len(held) > 3000: held.pop(0).close()
    if len(held) == 3000: print("many", flush=True)
"""


class Outside(Arena):
    """Where who attacks is no lab but a program elsewhere."""

    def __init__(self, server: Server, lab: Any, witness: Witness, *argv: str) -> None:  # noqa: ANN401 - none
        super().__init__(server, lab, witness)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", *argv], stdout=subprocess.PIPE, text=True
        )

    def said(self) -> str:
        """Its next line."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    @override
    @contextmanager
    def stopped(self) -> Iterator[None]:
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> str:
        """End it; all that it has said and nobody read."""
        self.process.kill()
        return self.process.communicate()[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.end()


def test_messages_for_other_labs(
    server: Server,
    witness: Witness,
    record_property: Any,  # noqa: ANN401 - pytest's own
) -> None:
    code = str(open_workshop(server)["code"])
    ada, mallory = Learner(server, code, "ada"), Learner(server, code, "mallory")
    with (
        Outside(server, None, witness, MESSAGES, mallory.host, mallory.cookies, ada.lab) as arena,
        arena.attack("messages for other labs", "a right is looked up for each opening") as row,
    ):
        assert arena.said() == "refused"
        row.compare()
        assert set(arena.end().split()) == {"refused"}
    record_property(ROW, arena.rows[0])


def test_connections_without_end(
    server: Server,
    witness: Witness,
    record_property: Any,  # noqa: ANN401 - pytest's own
) -> None:
    host = server.url.removeprefix("http://")
    with (
        Outside(server, None, witness, IDLE, host) as arena,
        arena.attack("idle connections to the web", "a share of them for all strangers") as row,
    ):
        assert arena.said() == "many"
        row.compare()
        wait_for(server._answers, "an answer to somebody else")
    record_property(ROW, arena.rows[0])
