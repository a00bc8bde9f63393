"""The server's own processes, as a test kills them."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.conftest import Server

COMMANDS = {
    "web": "-m webapp --",
    "pump": "-m webapp.terminals",
    "runtime": "-m runtime serve",
}


def pid_of(server: Server, name: str) -> int:
    """One of the supervisor's children, by what it runs."""
    listed = subprocess.run(
        ["ps", "--ppid", str(server.pid), "-o", "pid=,args="],
        capture_output=True,
        text=True,
        check=False,  # 1: for a moment there is none
    ).stdout
    for line in listed.splitlines():
        pid, _, words = line.strip().partition(" ")
        if COMMANDS[name] in f"{words} --":
            return int(pid)
    return 0


def kill(server: Server, *names: str) -> None:
    """Kill some of them at once, and wait until others are in their place."""
    killed = {name: pid_of(server, name) for name in names}
    assert all(killed.values())
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    for name, pid in killed.items():
        wait_for(lambda name=name, pid=pid: pid_of(server, name) not in {0, pid}, f"another {name}")  # type: ignore[misc]
