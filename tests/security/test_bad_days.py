"""An operator's bad day: what hangs comes back by itself, and nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.lab_harness import Lab
from tests.waiting import wait_for
from webapp.crowd import STRANGERS_MOST

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


def test_a_runtime_that_hangs_is_said_long_before_it_is_replaced(server: Server) -> None:
    server.client.wait_ready(30)
    hung = children_of(server.pid)["runtime"]
    os.kill(hung, signal.SIGSTOP)
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.url}/healthz", timeout=60)
        assert refused.value.code == 503
        said = json.load(refused.value)
        assert said == {
            "ok": False,
            "reason": "The part of this server that runs the labs is away. "
            "It didn't answer for 3 seconds.",
        }
        assert children_of(server.pid)["runtime"] == hung
    finally:
        os.kill(hung, signal.SIGCONT)
    wait_for(server._answers, "labs again", deadline_s=30)


def test_processes_that_hang_are_replaced_and_the_labs_live_on(server: Server) -> None:
    server.client.wait_ready(30)
    until = time.time() + 600
    lab = server.client.lab_create(key="bad-day", image="slipway/base", until=until)
    before = children_of(server.pid)
    assert set(before) == {"runtime", "webapp", "webapp.terminals", "webapp.preview"}
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


def everything_of(server: Server) -> list[int]:
    """The supervisor, what it keeps, the daemon's helpers and the keeper."""
    keeper = f"runtime.keeper\0{server.instance.keeper_socket}\0"
    keepers = [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if keeper in path.read_text(errors="replace")
    ]
    assert keepers
    return [server.pid, *children_of(server.pid).values(), *keepers]


def test_who_kills_everything_at_once_loses_no_file_of_a_learner(server: Server) -> None:
    server.client.wait_ready(30)
    lab = Lab(server.client, "bad-night")
    lab.sh("echo kept > /home/learner/file; setsid sleep 600 >/dev/null 2>&1 &")
    for pid in everything_of(server):
        with suppress(ProcessLookupError):  # its supervisor has taken it along
            os.kill(pid, signal.SIGKILL)
    server.stop(signal.SIGKILL)
    server.start()
    server.client.wait_ready(30)
    after = server.client.lab_get(lab.id)
    assert lab.sh("cat /home/learner/file").text == "kept\n"
    assert "sleep" in lab.programs()
    assert [each["ended"] for each in after["terminals"]] == [False]
    assert lab.sh(f"ip -br addr | grep -c {after['address']}").text == "1\n"
    lab.remove()


def test_a_stranger_who_opens_thousands_of_connections_keeps_nobody_out(server: Server) -> None:
    """Half a request each, as slowly as one likes; the oldest gives way to who comes."""
    where = urllib.parse.urlsplit(server.url)
    with ExitStack() as held:
        first, *_ = [
            held.enter_context(socket.create_connection((where.hostname, where.port), 20))
            for _ in range(STRANGERS_MOST + 1)
        ]
        first.sendall(b"GET / HTTP/1.1\r\nHost: a")
        with urllib.request.urlopen(f"{server.url}/healthz", timeout=60) as answer:
            assert answer.status == 200
        assert first.recv(64) == b""
