"""A web that was taken over, or a stranger with a login, wants the runtime for itself."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from runtime.limits import ids
from runtime.server import SHARE, STRANGERS_SHARE
from tests.integration.lab_harness import Lab
from tests.other_user import ask_as
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

STRANGER = 65534
MANY = 600  # more than there were places when everyone shared them


@contextmanager
def every_connection_taken_by(uid: int, runtime: Server) -> Iterator[None]:
    """Somebody holds as many connections as they can get."""
    taken_fd, tell_fd = os.pipe()
    wait_fd, release_fd = os.pipe()
    pid = os.fork()
    if pid == 0:
        held: list[socket.socket] = []
        try:  # whatever happens, this process must not go on as another pytest
            os.close(release_fd)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            for _ in range(MANY):
                held.append(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
                held[-1].connect(str(runtime.instance.runtime_socket))
            os.write(tell_fd, b".")
            os.read(wait_fd, 1)
        except OSError as error:
            os.write(2, f"connection {len(held)}: {error}\n".encode())
        finally:
            os._exit(0)
    os.close(tell_fd)
    try:
        assert os.read(taken_fd, 1), "not every connection could be opened"
        yield
    finally:
        for fd in (release_fd, wait_fd, taken_fd):
            os.close(fd)
        os.waitpid(pid, 0)


def web_of(runtime: Server) -> int:
    return ids.claim(f"{runtime.instance.id}/instance")


def asks(runtime: Server, uid: int) -> object:
    """What the status says to a user: `runtime-away` where there is no connection for them."""
    return ask_as(uid, lambda: runtime.client.status()["ready"])


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def descriptors_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_web_that_takes_every_connection_keeps_nobody_else_out(runtime: Server) -> None:
    web = web_of(runtime)
    with every_connection_taken_by(web, runtime):
        wait_for(lambda: threads_of(runtime.pid) >= SHARE, "the connections to be taken")
        assert asks(runtime, web) == "runtime-away"
        assert asks(runtime, 0) is True
        assert asks(runtime, web + 1) == "not-allowed"  # the pump is heard
    wait_for(lambda: asks(runtime, web) is True, "the web to be heard again")


def test_strangers_who_connect_by_the_hundred_keep_nobody_out(runtime: Server) -> None:
    wait_for(lambda: threads_of(runtime.pid) < STRANGERS_SHARE * 2, "the last callers to be gone")
    before = threads_of(runtime.pid)
    with every_connection_taken_by(STRANGER, runtime):
        wait_for(lambda: threads_of(runtime.pid) > before, "the connections to be taken")
        assert asks(runtime, web_of(runtime)) is True
        assert asks(runtime, 0) is True
        assert threads_of(runtime.pid) <= before + STRANGERS_SHARE + 2


def test_half_a_character_is_refused_and_leaves_nothing_open(runtime: Server) -> None:
    lab = Lab(runtime.client, "half")
    assert lab.check("#!/bin/sh\necho \U0001f600")["stdout"] == "\U0001f600\n"
    before = descriptors_of(runtime.pid)
    for _ in range(10):
        with pytest.raises(Problem) as refused:
            lab.check("#!/bin/sh\necho \ud83d")
        assert refused.value.code == "bad-request"
    wait_for(lambda: descriptors_of(runtime.pid) <= before + 3, "descriptors to be closed")
    lab.remove()


def what_can_be_read(pid: int) -> list[str]:
    """Of a process, by whoever calls this."""
    found = []
    for name in ("environ", "mem", "maps", "stack", "io", "fd", "root", "cwd", "ns/net"):
        path = Path(f"/proc/{pid}/{name}")
        try:
            if name == "fd":
                list(path.iterdir())
            elif name in {"root", "cwd", "ns/net"}:
                path.readlink()
            else:
                path.open("rb").read(1)
        except OSError:
            continue
        found.append(name)
    return found


def test_the_webs_user_reads_nothing_of_the_runtimes_process_and_folders(runtime: Server) -> None:
    web, pid, instance = web_of(runtime), runtime.pid, runtime.instance
    assert ask_as(0, lambda: what_can_be_read(pid))
    assert ask_as(web, lambda: what_can_be_read(pid)) == []
    folders = [instance.labs_path, instance.images_path, instance.data_path / "runtime"]
    assert ask_as(0, lambda: [os.access(each, os.R_OK) for each in folders]) == [True] * 3
    assert ask_as(web, lambda: [os.access(each, os.R_OK) for each in folders]) == [False] * 3
    sockets = [path for path in instance.run_path.rglob("*") if path.is_socket()]
    others = [str(path) for path in sockets if path != instance.runtime_socket]
    assert others
    assert ask_as(web, lambda: [each for each in others if os.access(each, os.W_OK)]) == []
