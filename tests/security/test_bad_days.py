"""An operator's bad day: what hangs comes back by itself, and nothing is lost."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.conftest import Server


def children_of(pid: int) -> dict[str, int]:
    """The supervisor's processes by what they run."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
        # Else it is being born, has just died, or only says where the server is.
        if words[1:2] == ["-m"] and words[3] != "greet":
            found[words[2]] = int(child)
    return found


def test_processes_that_hang_are_replaced_and_the_labs_live_on(server: Server) -> None:
    server.client.wait_ready(30)
    until = time.time() + 600
    lab = server.client.lab_create(key="bad-day", image="slipway/base", until=until)
    before = children_of(server.pid)
    assert set(before) == {"runtime", "webapp", "webapp.terminals"}
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)

    def all_are_new() -> bool:
        now = children_of(server.pid)
        return set(now) == set(before) and not set(now.values()) & set(before.values())

    wait_for(all_are_new, "the hung processes to be replaced", deadline_s=90)
    server.client.wait_ready(30)
    wait_for(server._answers, "a page", deadline_s=30)
    assert server.client.lab_get(lab["lab"])["pid"] == lab["pid"]
    server.client.lab_remove(lab["lab"])
