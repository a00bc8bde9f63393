"""Names reach labs with internet by the relay in the router, whatever the host asks."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.network_world import HOST, Place, World

if TYPE_CHECKING:
    from collections.abc import Iterator

GATEWAY = "169.254.1.1"
# A header and the question A? a.example.
QUESTION = bytes.fromhex("abcd0100000100000000000001610765 78616d706c650000010001".replace(" ", ""))


class Resolver:
    """Answers each question with itself, marked as an answer, and its own name after it."""

    def __init__(self, place: Place, address: str, name: bytes) -> None:
        self._name = name
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._packets = place.netns.run(socket.socket, family, socket.SOCK_DGRAM)
        self._packets.bind((address, 53))
        self._streams = place.netns.run(socket.socket, family, socket.SOCK_STREAM)
        self._streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._streams.bind((address, 53))
        self._streams.listen()
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._serve, self._serve_long)
        ]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        while True:
            packet, asker = self._packets.recvfrom(4096)
            if not packet:
                return
            self._packets.sendto(self._said(packet), asker)

    def _serve_long(self) -> None:
        while True:
            stream, _ = self._streams.accept()
            with stream:
                packet = stream.recv(4096)
                if not packet:
                    return
                said = self._said(packet[2:])
                stream.sendall(len(said).to_bytes(2, "big") + said)

    def _said(self, packet: bytes) -> bytes:
        return packet[:2] + b"\x81\x80" + packet[4:] + self._name

    def close(self, place: Place) -> None:
        address = self._packets.getsockname()[:2]
        with place.netns.run(socket.socket, self._packets.family, socket.SOCK_DGRAM) as end:
            end.sendto(b"", address)
        with place.netns.run(socket.socket, self._packets.family) as end:
            end.connect(address)
        for thread in self._threads:
            thread.join()
        self._packets.close()
        self._streams.close()


@contextmanager
def resolver(place: Place, address: str, name: bytes) -> Iterator[None]:
    made = Resolver(place, address, name)
    try:
        yield
    finally:
        made.close(place)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands for the host's /etc/resolv.conf, which a test leaves alone."""
    found: list[str] = []
    monkeypatch.setattr("runtime.network.names.resolvers", lambda: found)
    return found


@pytest.fixture
def lab(world: World, asked: list[str]) -> Place:
    assert asked == []
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    return lab


def ask(lab: Place) -> bytes:
    return lab.asks(QUESTION, GATEWAY)


@pytest.mark.parametrize("address", ["10.9.9.9", "127.0.0.53", "2a00:5119::7"])
def test_a_lab_gets_the_answer_of_whomever_the_host_asks(
    world: World, lab: Place, asked: list[str], address: str
) -> None:
    asked.append(address)
    place = world.host if address.startswith("127.") else world.outside
    with resolver(place, address, b"the host's"):
        assert ask(lab).endswith(b"the host's")


def test_labs_follow_a_host_whose_resolver_changes(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked.append("10.9.9.9")
    with resolver(world.outside, "10.9.9.9", b"the first"):
        assert ask(lab).endswith(b"the first")
    asked[:] = ["172.16.9.9"]
    with resolver(world.outside, "172.16.9.9", b"the second"):
        assert ask(lab).endswith(b"the second")


def test_a_resolver_that_is_silent_is_passed_over_for_the_next(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked[:] = ["203.0.113.77", "10.9.9.9"]
    with resolver(world.outside, "10.9.9.9", b"the next"):
        assert ask(lab).endswith(b"the next")


def test_a_lab_whose_host_knows_no_resolver_is_told_so_at_once(lab: Place) -> None:
    answer = ask(lab)
    assert answer[:2] == QUESTION[:2]
    assert answer[3] & 0x0F == 2  # SERVFAIL


def test_a_question_too_long_for_a_packet_is_answered_on_a_connection(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked.append("10.9.9.9")
    with resolver(world.outside, "10.9.9.9", b"at length"):
        client = lab.connects(GATEWAY, 53)
        client.sendall(len(QUESTION).to_bytes(2, "big") + QUESTION)
        assert client.recv(4096).endswith(b"at length")


@pytest.mark.kernel
def test_the_relay_is_all_that_a_lab_reaches_of_host_and_resolver(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked.append("10.9.9.9")
    with resolver(world.outside, "10.9.9.9", b""):
        assert lab.reaches(GATEWAY, 53) == "open"
        for address, port in ((GATEWAY, 80), ("10.9.9.9", 53), (HOST, 53)):
            assert lab.reaches(address, port) == "refused"


def test_a_lab_without_internet_is_refused_by_the_relay(world: World, asked: list[str]) -> None:
    asked.append("10.9.9.9")
    router, quiet = world.router(), world.place()
    router.attach("aaaaaaaa", quiet.netns.fd, internet=False)
    with pytest.raises(OSError, match="No route to host"):
        ask(quiet)


def test_a_lab_that_floods_the_relay_leaves_a_neighbour_its_answers(
    world: World, asked: list[str]
) -> None:
    router, mallory, ada = world.router(), world.place(), world.place()
    router.attach("aaaaaaaa", mallory.netns.fd, internet=True)
    router.attach("bbbbbbbb", ada.netns.fd, internet=True)
    asked[:] = ["203.0.113.77", "10.9.9.9"]  # the first never answers: questions pile up
    flood = mallory.speaks()
    for _ in range(5000):
        flood.sendto(QUESTION, (GATEWAY, 53))
    assert router._names._waiting.total() <= 64
    asked[:] = ["10.9.9.9"]
    with resolver(world.outside, "10.9.9.9", b"for ada"):
        assert ask(ada).endswith(b"for ada")
