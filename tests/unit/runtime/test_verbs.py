from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING, Any, cast

from runtime.client import Client
from runtime.container.bundle import ROOT
from runtime.labs.state import Lab, LabId, Shape
from runtime.limits.amounts import Limits
from runtime.server import Server
from runtime.verbs import Verbs, Who
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

MANY = 420


class ManyLabs:
    """Only a list: real labs in such a number would take minutes."""

    def all(self) -> list[Lab]:
        shape = Shape("slipway/base", "plain", internet=False, limits=Limits())
        return [
            Lab(LabId(f"{number:08x}"), shape, 1 << 30, ROOT, key=f"learner-{number}")
            for number in range(MANY, 0, -1)
        ]


def test_a_list_of_hundreds_of_labs_comes_whole(tmp_path: Path) -> None:
    parts = cast("Any", None)
    verbs = Verbs(parts, parts, cast("Any", ManyLabs()), *[parts] * 9)
    server = Server(tmp_path / "sock", verbs.table(), {Who.WEB: os.getuid()})
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: _listens(tmp_path / "sock"), "the socket")
        listed = [each["lab"] for each in Client(tmp_path / "sock").lab_list()]
    finally:
        server.stop()
        thread.join(10)
    assert listed == [f"{number:08x}" for number in range(1, MANY + 1)]


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        return sock.connect_ex(str(path)) == 0
