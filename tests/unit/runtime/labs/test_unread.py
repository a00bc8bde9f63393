"""Who is ended for what their sockets hold: found where they are, in whatever network."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
import structlog

from runtime.container.bundle import ROOT
from runtime.labs import networks, unread
from runtime.labs.state import Lab, LabId, Shape
from runtime.labs.weight import Weight
from runtime.limits import files
from runtime.limits.amounts import Usage
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.limits.cgroup import Place

# Forty networks with seven sockets each, every one a thread's, or one for all of them ("alone"), or
# one of eight that a thread goes between all the time ("moving"), or four without a socket
# ("empty"); the other process sleeps beside it.
HOG = """
import ctypes, os, random, signal, socket, sys, threading
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
held = []

def fill():
    if sys.argv[1] != "alone":
        unshare()
    if sys.argv[1] != "empty":
        ask(7)
    stay.wait()

def unshare():
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")

def ask(count):
    for _ in range(count):
        held.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
        held[-1].bind((0, 0))

def move():
    networks = []
    for _ in range(8):
        unshare()
        networks.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        ask(1)
    ask(280)
    while True:
        libc.setns(random.choice(networks), CLONE_NEWNET)

stay = threading.Event()
other = os.fork()
if other:
    print(other, flush=True)
if other and sys.argv[1] == "moving":
    move()
elif bool(other) == (sys.argv[1] != "other"):
    for _ in range(4 if sys.argv[1] == "empty" else 40):
        threading.Thread(target=fill, daemon=True).start()
signal.pause()
"""


TUNNELS = Path("/dev/net/tun")


class Pids:
    """A lab's place, as far as it is asked."""

    def __init__(self, pids: set[int]) -> None:
        self._pids = pids
        self.asked = 0
        self.works = False
        self._cpu_seconds = 0.0

    def pids(self, _lab: str) -> set[int]:
        self.asked += 1
        return {pid for pid in self._pids if Path(f"/proc/{pid}").exists()}

    def cpu_seconds(self, _lab: str) -> float:
        """More at each look, where they work."""
        self._cpu_seconds += self.works
        return self._cpu_seconds

    def usage_of_all(self) -> Usage:
        """They have nothing."""
        return Usage(0, 0, 0.0)


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
        self.lab = Lab(LabId(""), Shape("slipway/engine", "engine"), 1 << 30, ROOT)
        self.lab.pid = self.first

    def watched(self, listed: set[int], *others: Lab) -> None:
        self._place = Pids(listed)
        self._watch = unread.UnreadWatch(
            cast("Place", self._place), lambda _lab, news: self.said.append(news.what), TUNNELS
        )
        for lab in (*others, self.lab):
            self._watch.add(lab)
        self._watch.start()

    def work(self) -> None:
        self._place.works = True

    def discard(self, lab: Lab) -> None:
        self._watch.discard(lab)

    def looks(self) -> int:
        """How often it was looked for networks: at each look while none is known, or it works."""
        return self._place.asked

    def end(self) -> None:
        self.discard(self.lab)
        self._watch.stop()
        for pid in filter(is_alive, (self.first, self.other)):
            os.kill(pid, signal.SIGKILL)
        with self._process:
            self._process.wait()


def kept_networks() -> int:
    """Of how many the watch has files open."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the list itself
            found += str(each.readlink()).removesuffix(" (deleted)").endswith("/net/sockstat")
    return found


@contextmanager
def no_file_more() -> Iterator[None]:
    """No file can be opened by this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    taken: list[int] = []
    try:
        with suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in taken:
            os.close(fd)


@pytest.mark.parametrize("holder", ["first", "other", "moving"])
def test_whose_threads_hold_too_much_in_many_networks_is_ended(holder: str) -> None:
    held = Held(holder)
    ended, left = (held.first, held.other)[:: -1 if holder == "other" else 1]
    try:
        held.watched({held.first, held.other})
        wait_for(lambda: not is_alive(ended), "its end", deadline_s=60)
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


def test_a_lab_that_ended_before_it_was_added_is_not_kept() -> None:
    held = Held("alone")
    over = replace(held.lab, id=LabId("over"), state="ending")
    before = kept_networks()
    try:
        held.watched({held.first}, over)
        wait_for(lambda: held.said, "a look at the other")
    finally:
        held.end()
    assert kept_networks() == before


def test_others_are_looked_at_while_one_lets_go_of_its_networks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Many links go down slowly: here as slowly as one likes."""
    may_go = threading.Event()
    close = networks.Network.close
    held = Held("other")
    beside = replace(held.lab, id=LabId("beside"))
    before = kept_networks()
    try:
        held.watched({held.first}, beside)
        wait_for(lambda: kept_networks() == before + 2, "a look at both")
        monkeypatch.setattr(
            networks.Network, "close", lambda network: (may_go.wait(), close(network))
        )
        leaving = threading.Thread(target=held.discard, args=(held.lab,))
        leaving.start()
        looks = held.looks()
        wait_for(lambda: held.looks() > looks + 3, "some looks at the other")
        assert leaving.is_alive()
    finally:
        may_go.set()
        leaving.join()
        held.discard(beside)
        held.end()
    assert kept_networks() == before


def test_of_labs_whose_tunnels_may_hold_the_same_one_is_ended_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has a tunnel here, nor is so much memory taken: the watch is told so."""
    free_bytes = [8 << 30]
    weight = Weight(possible=300 << 20)
    monkeypatch.setattr(files, "meminfo", lambda _name: free_bytes[-1])
    monkeypatch.setattr(networks.Network, "weigh", lambda _network: weight)
    before = kept_networks()
    held = Held("empty")
    beside = replace(held.lab, id=LabId("beside"))
    try:
        held.watched({held.first, held.other}, beside)
        wait_for(lambda: kept_networks() == before + 10, "all networks of both")
        free_bytes.append(free_bytes[0] - (1 << 30))
        wait_for(lambda: held.said, "word of it")
        looks = held.looks()
        wait_for(lambda: held.looks() > looks + 3, "some looks more")
        assert len(held.said) == 1
    finally:
        held.discard(beside)
        held.end()


def test_one_that_works_is_looked_at_for_networks_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may make one, fill it and be gone from it in a moment."""
    looks: list[str] = []
    meminfo = files.meminfo

    def counted(name: str) -> int:
        looks.append(name)
        return meminfo(name)

    monkeypatch.setattr(files, "meminfo", counted)
    held = Held("empty")

    def listed_of_looks() -> float:
        asked, seen = held.looks(), len(looks)
        wait_for(lambda: len(looks) > seen + 40, "some looks")
        return (held.looks() - asked) / (len(looks) - seen)

    try:
        held.watched({held.first, held.other})
        wait_for(lambda: held.looks() > 1, "the first looks")
        held.work()
        assert listed_of_looks() > 0.8
    finally:
        held.end()


def test_where_no_file_can_be_opened_it_is_told_once_and_tried_again() -> None:
    held = Held("alone")
    try:
        with structlog.testing.capture_logs() as said, no_file_more():
            held.watched({held.first})
            wait_for(lambda: held.looks() > 4, "some looks")
        assert {each["event"] for each in said} == {"labs.unread_failed"}
        assert len({each["what"] for each in said}) == len(said)
        wait_for(lambda: not is_alive(held.first), "the holder's end")
    finally:
        held.end()


def test_a_table_is_read_to_its_end_though_the_kernel_gives_a_page_at_once() -> None:
    fd = os.open("/proc/self/smaps", os.O_RDONLY | os.O_CLOEXEC)
    try:
        assert len(os.pread(fd, 1 << 18, 0)) <= os.sysconf("SC_PAGE_SIZE")
        found = networks.table(fd)
    finally:
        os.close(fd)
    assert len(found) > 2 * os.sysconf("SC_PAGE_SIZE")
    assert found.splitlines()[-1].startswith(b"VmFlags:")
