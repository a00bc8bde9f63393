"""The talk with a guest, the guest's end played here: frames in step, bounded, ended in time."""

from __future__ import annotations

import select
import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runtime.machine.agent import Agent, Frame, arguments
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator


class Guest:
    """The other end, with a thread that reads as the runtime's listener does."""

    def __init__(self, *, in_step: bool = True) -> None:
        ours, self.sock = socket.socketpair()
        self.sock.settimeout(5)
        self.words: list[Frame] = []
        self.agent = Agent(ours, self.words.append, in_step=in_step)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(ValueError):  # it was closed
            while not self._is_over.is_set():
                if select.select([self.agent], [], [], 0.02)[0] and not self.agent.read():
                    return

    def say(self, kind: str, channel: int, payload: bytes) -> None:
        """Send one frame."""
        self.sock.sendall(struct.pack("<BBH", ord(kind), channel, len(payload)) + payload)

    def hear(self) -> Frame:
        """Take one frame."""
        kind, channel, length = struct.unpack("<BBH", self._take(4))
        return Frame(chr(kind), channel, self._take(length))

    def hear_run(self) -> Frame:
        """Take what starts a command: the last of it, and its channel."""
        while (frame := self.hear()).kind != "X":
            pass
        return frame

    def close(self) -> None:
        """End the thread and both ends."""
        self._is_over.set()
        self._thread.join()
        self.agent.close()
        self.sock.close()

    def _take(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            data += self.sock.recv(length - len(data))
        return data


@pytest.fixture
def guest() -> Iterator[Guest]:
    made = Guest()
    yield made
    made.close()


def test_a_commands_words_output_and_code_pass(guest: Guest) -> None:
    heard: list[tuple[str, bytes]] = []
    codes: list[int | None] = []

    def run() -> None:
        codes.append(
            guest.agent.run(
                "learner", arguments(["a", "b c"]), on_output=lambda *said: heard.append(said)
            )
        )

    thread = threading.Thread(target=run)
    thread.start()
    assert guest.hear() == Frame("A", 1, b"a\0b c\0")
    assert guest.hear() == Frame("X", 1, b"l")
    assert guest.hear() == Frame("I", 1, b"")
    guest.say("O", 1, b"out")
    guest.say("E", 1, b"err")
    guest.say("Q", 1, b"\x07")
    thread.join()
    assert heard == [("O", b"out"), ("E", b"err")]
    assert codes == [7]


def test_a_command_that_does_not_end_is_killed_in_its_time(guest: Guest) -> None:
    codes: list[int | None] = []
    thread = threading.Thread(
        target=lambda: codes.append(
            guest.agent.run("root", b"x\0", on_output=lambda *_: None, timeout_s=0.1)
        )
    )
    thread.start()
    guest.hear_run()
    while (frame := guest.hear()).kind != "K":
        pass
    assert frame.channel == 1
    guest.say("Q", 1, b"\x89")
    thread.join()
    assert codes == [None]


def test_who_waits_for_a_machine_that_ends_is_told(guest: Guest) -> None:
    caught: list[str] = []

    def run() -> None:
        try:
            guest.agent.run("root", b"x\0", on_output=lambda *_: None)
        except Problem as problem:
            caught.append(problem.code)

    thread = threading.Thread(target=run)
    thread.start()
    guest.hear_run()
    guest.agent.close()
    thread.join()
    assert caught == ["machine-ended"]


def test_nonsense_of_a_guest_is_thrown_away(guest: Guest) -> None:
    guest.say("Q", 77, b"")  # nobody waits on that channel
    guest.sock.sendall(b"\xff\xff\xff\xff" * 5000)  # a length that can't be
    wait = threading.Event()
    while select.select([guest.agent], [], [], 0.05)[0]:
        wait.wait(0.01)
    guest.say("B", 0, b"poweroff")
    for _ in range(200):
        if guest.words:
            break
        wait.wait(0.01)
    assert guest.words[-1] == Frame("B", 0, b"poweroff")


def test_a_new_runtime_comes_in_step_whatever_was_on_its_way() -> None:
    guest = Guest(in_step=False)
    try:
        guest.sock.sendall(b"half a frame of somebody else's")
        guest.agent.resume()
        data = b""
        while not data.endswith(b"S\0\x10\0" + data[-16:]) or not data.strip(b"\0"):
            data += guest.sock.recv(65536)
        guest.say("S", 0, data[-16:])
        guest.say("R", 0, b"1 2")
        wait = threading.Event()
        for _ in range(200):
            if guest.words:
                break
            wait.wait(0.01)
        assert guest.words == [Frame("R", 0, b"1 2")]
    finally:
        guest.close()
