"""Root of a machine speaks in process 1's place, with the runtime's one thread for all guests."""

from __future__ import annotations

import os
import socket
import struct
import termios
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runtime.labs.boots import Booter, Live
from runtime.machine import agent as talk
from runtime.machine.agent import Agent, Frame
from runtime.machine.link import Link, Listener
from runtime.machine.monitor import Monitor
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator


class Guest:
    """A machine's far ends, played here, and the runtime's link to it."""

    def __init__(self) -> None:
        ours, self.sock = socket.socketpair()
        monitor, self.qemu = socket.socketpair()
        self.words: list[Frame] = []
        self.console_fd, self._far_fd = os.openpty()
        self.agent = Agent(ours, self.words.append)
        pidfd = os.pidfd_open(os.getpid())
        self.link = Link(
            self.agent, Monitor(monitor), pidfd, self.console_fd, lambda: False, lambda: None
        )
        self.link.is_awake = True
        self._ours = ours

    def says(self, kind: str, channel: int, payload: bytes) -> None:
        self.sock.sendall(struct.pack("<BBH", ord(kind), channel, len(payload)) + payload)

    def reads_nothing(self) -> None:
        """What is sent to it has filled every buffer on the way."""
        with suppress(BlockingIOError):
            while True:
                self._ours.send(bytes(4096))

    def heard(self) -> bytes:
        self.sock.setblocking(False)
        try:
            return self.sock.recv(65536)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        for each in (self.sock, self.qemu):
            each.close()
        for fd in (self.console_fd, self._far_fd):
            os.close(fd)


@pytest.fixture
def guests() -> Iterator[tuple[Listener, Guest, Guest]]:
    """A hostile one and another."""
    listener, hostile, other = Listener(), Guest(), Guest()
    for each in (hostile, other):
        listener.add(each.link)
    listener.start()
    yield listener, hostile, other
    listener.stop()
    for each in (hostile, other):
        each.close()


def test_a_guest_that_reads_nothing_keeps_no_other_waiting(
    guests: tuple[Listener, Guest, Guest], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, hostile, other = guests
    monkeypatch.setattr(talk, "_SEND_S", 3600.0)
    hostile.reads_nothing()
    for guest in (hostile, other):
        termios.tcsetwinsize(guest.console_fd, (33, 99))
    wait_for(lambda: struct.pack("<HH", 33, 99) in other.heard(), "the other's new size")
    hostile.agent.tell_time()


def test_a_guest_that_never_stops_talking_is_read_by_turns(
    guests: tuple[Listener, Guest, Guest],
) -> None:
    listener, hostile, other = guests

    def flood() -> None:
        with suppress(OSError):
            while True:
                hostile.sock.sendall(b"T\0\0\0" * 4096)

    flooding = threading.Thread(target=flood)
    flooding.start()
    wait_for(lambda: hostile.link in listener._resting, "the flood to be let wait")
    other.says("B", 0, b"poweroff")
    wait_for(lambda: other.words, "the other's word")
    hostile.agent.close()  # so that the flood ends
    hostile.sock.shutdown(socket.SHUT_RDWR)
    flooding.join()


def test_a_guest_fills_no_memory_with_what_nobody_takes(
    guests: tuple[Listener, Guest, Guest],
) -> None:
    _, hostile, _ = guests
    goes_on = threading.Event()

    def takes_its_time(_kind: str, _data: bytes) -> None:
        goes_on.wait()

    def run() -> None:
        hostile.agent.run("learner", b"x\0", on_output=takes_its_time)

    running = threading.Thread(target=run)
    running.start()
    wait_for(lambda: b"X" in hostile.heard(), "the command")
    hostile.sock.setblocking(True)
    for _ in range(200):
        hostile.says("O", 1, bytes(4096))
    hostile.says("B", 0, b"")
    wait_for(lambda: hostile.words, "all of it to be read", deadline_s=60)
    assert hostile.agent._waiting_bytes[1] <= talk._HELD_BYTES
    goes_on.set()
    wait_for(lambda: hostile.agent._waiting_bytes[1] == 0, "what was held to be taken")
    hostile.says("Q", 1, b"\0")
    running.join()


@pytest.mark.parametrize(
    "said", [b"-1 2 3 4 5 6", b"9" * 4000 + b" 2 3 4 5 6", b"nan 2 3 4 5 6", b"\xff\0", b""]
)
def test_figures_that_no_page_could_show_are_not_believed(said: bytes) -> None:
    live = Live(lab=None, record=None)  # type: ignore[arg-type]
    Booter._hear(None, live, Frame("T", 0, said))  # type: ignore[arg-type]
    assert not live.figures
    Booter._hear(None, live, Frame("T", 0, b"1 2 3 4 5 6"))  # type: ignore[arg-type]
    assert live.figures == (1, 2, 3, 4, 5, 6)
