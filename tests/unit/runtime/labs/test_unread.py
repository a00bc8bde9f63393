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

# Forty networks with seven sockets each, every one a thread's, or one for all of them ("alone");
# the other process sleeps beside it.
HOG = """
import ctypes, os, signal, socket, sys, threading
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
held = []

def fill():
    if sys.argv[1] != "alone" and libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    for _ in range(7):
        held.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
        held[-1].bind((0, 0))
    stay.wait()

stay = threading.Event()
other = os.fork()
if other:
    print(other, flush=True)
if bool(other) == (sys.argv[1] != "other"):
    for _ in range(40):
        threading.Thread(target=fill, daemon=True).start()
signal.pause()
"""


class Pids:
    """A lab's place, as far as it is asked."""

    def __init__(self, pids: set[int]) -> None:
        self._pids = pids

    def pids(self, _lab: str) -> set[int]:
        return {pid for pid in self._pids if Path(f"/proc/{pid}").exists()}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Held:
    """A lab's process 1 and another, of which one holds too much, and the watch that looks."""

    def __init__(self, holder: str) -> None:
        self.said: list[str] = []
        command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", HOG]
        self._process = subprocess.Popen([*command, holder], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.first, self.other = self._process.pid, int(self._process.stdout.readline())
        self._lab = Lab(LabId(""), Shape("slipway/engine", "engine"), 1 << 30, ROOT)
        self._lab.pid = self.first

    def watched(self, listed: set[int]) -> None:
        place = cast("Place", Pids(listed))
        self._watch = unread.UnreadWatch(place, lambda _lab, news: self.said.append(news.what))
        self._watch.add(self._lab)
        self._watch.start()

    def end(self) -> None:
        self._watch.discard(self._lab)
        self._watch.stop()
        for pid in filter(is_alive, (self.first, self.other)):
            os.kill(pid, signal.SIGKILL)
        with self._process:
            self._process.wait()


@pytest.mark.parametrize("holder", ["first", "other"])
def test_whose_threads_hold_too_much_in_many_networks_is_ended(holder: str) -> None:
    held = Held(holder)
    ended, left = (held.first, held.other)[:: 1 if holder == "first" else -1]
    try:
        held.watched({held.first, held.other})
        wait_for(lambda: not is_alive(ended), "its end")
        assert is_alive(left)
        wait_for(lambda: held.said, "word of it")
        assert "sockets (netlink, ping)" in held.said[0]
    finally:
        held.end()


def test_where_it_goes_on_though_all_were_ended_that_are_known_process_1_is() -> None:
    held = Held("alone")
    with subprocess.Popen(["true"]) as over:  # nobody waits for it, so its number stays
        wait_for(lambda: not is_alive(over.pid), "its end")
        try:
            held.watched({over.pid})  # as where all that are listed have forked and ended since
            wait_for(lambda: not is_alive(held.first), "the end of process 1")
        finally:
            held.end()


def test_a_table_is_read_to_its_end_though_the_kernel_gives_a_page_at_once() -> None:
    fd = os.open("/proc/self/smaps", os.O_RDONLY | os.O_CLOEXEC)
    try:
        assert len(os.pread(fd, 1 << 18, 0)) <= os.sysconf("SC_PAGE_SIZE")
        found = unread.table(fd)
    finally:
        os.close(fd)
    assert len(found) > 2 * os.sysconf("SC_PAGE_SIZE")
    assert found.splitlines()[-1].startswith(b"VmFlags:")
