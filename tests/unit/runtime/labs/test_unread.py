"""Who is ended for what their sockets hold: found where they are, in whatever network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from runtime.container.bundle import ROOT
from runtime.labs import unread
from runtime.labs.state import Lab, LabId, Shape
from tests.waiting import wait_for

if TYPE_CHECKING:
    from runtime.limits.cgroup import Place

# Forty networks with seven sockets each, every one a thread's; the other process sleeps beside it.
HOG = """
import ctypes, os, signal, socket, sys, threading
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
held = []

def fill():
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    for _ in range(7):
        held.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
        held[-1].bind((0, 0))
    stay.wait()

stay = threading.Event()
other = os.fork()
if other:
    print(other, flush=True)
if bool(other) == (sys.argv[1] == "first"):
    for _ in range(40):
        threading.Thread(target=fill, daemon=True).start()
signal.pause()
"""


class Pids:
    """A lab's place, as far as it is asked."""

    def __init__(self, pids: set[int]) -> None:
        self._pids = pids

    def pids(self, _lab: str) -> set[int]:
        return {pid for pid in self._pids if is_alive(pid)}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("holder", ["first", "other"])
def test_whose_threads_hold_too_much_in_many_networks_is_ended(holder: str) -> None:
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", HOG, holder]
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        other = int(first.stdout.readline())
        lab = Lab(LabId(""), Shape("slipway/engine", "engine"), 1 << 30, ROOT)
        lab.pid = first.pid
        place = cast("Place", Pids({first.pid, other}))
        watch = unread.UnreadWatch(place, lambda _lab, news: said.append(news.what))
        watch.add(lab)
        watch.start()
        ended, left = (first.pid, other) if holder == "first" else (other, first.pid)
        try:
            wait_for(lambda: not is_alive(ended), "its end")
            assert is_alive(left)
            assert "sockets (netlink, ping)" in said[0]
        finally:
            watch.discard(lab)
            watch.stop()
            first.kill()
            if is_alive(other):
                os.kill(other, signal.SIGKILL)


def test_a_table_is_read_to_its_end_though_the_kernel_gives_a_page_at_once() -> None:
    fd = os.open("/proc/self/smaps", os.O_RDONLY | os.O_CLOEXEC)
    try:
        assert len(os.pread(fd, 1 << 18, 0)) <= os.sysconf("SC_PAGE_SIZE")
        found = unread.table(fd)
    finally:
        os.close(fd)
    assert len(found) > 2 * os.sysconf("SC_PAGE_SIZE")
    assert found.splitlines()[-1].startswith(b"VmFlags:")
