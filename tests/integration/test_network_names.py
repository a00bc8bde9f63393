"""Names reach labs with internet by the relay in the router, whatever the host asks."""

from __future__ import annotations

import pytest

from tests.integration.name_server import Port53
from tests.integration.network_world import HOST, Place, World

GATEWAY = "169.254.1.1"
# A header and the question A? a.example.
QUESTION = bytes.fromhex("abcd0100000100000000000001610765 78616d706c650000010001".replace(" ", ""))


class Resolver(Port53):
    """Answers each question with itself, marked as an answer, and its own name after it."""

    def __init__(self, place: Place, address: str, name: bytes) -> None:
        super().__init__(place, address)
        self._name = name

    def said(self, packet: bytes) -> bytes:
        return packet[:2] + b"\x81\x80" + packet[4:] + self._name


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
    with Resolver(place, address, b"the host's"):
        assert ask(lab).endswith(b"the host's")


def test_labs_follow_a_host_whose_resolver_changes(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked.append("10.9.9.9")
    with Resolver(world.outside, "10.9.9.9", b"the first"):
        assert ask(lab).endswith(b"the first")
    asked[:] = ["172.16.9.9"]
    with Resolver(world.outside, "172.16.9.9", b"the second"):
        assert ask(lab).endswith(b"the second")


def test_a_resolver_that_is_silent_is_passed_over_for_the_next(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked[:] = ["203.0.113.77", "10.9.9.9"]
    with Resolver(world.outside, "10.9.9.9", b"the next"):
        assert ask(lab).endswith(b"the next")


def test_a_lab_whose_host_knows_no_resolver_is_told_so_at_once(lab: Place) -> None:
    answer = ask(lab)
    assert answer[:2] == QUESTION[:2]
    assert answer[3] & 0x0F == 2  # SERVFAIL


def test_a_question_too_long_for_a_packet_is_answered_on_a_connection(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked.append("10.9.9.9")
    with Resolver(world.outside, "10.9.9.9", b"at length"):
        client = lab.connects(GATEWAY, 53)
        client.sendall(len(QUESTION).to_bytes(2, "big") + QUESTION)
        assert client.recv(4096).endswith(b"at length")


@pytest.mark.kernel
def test_the_relay_is_all_that_a_lab_reaches_of_host_and_resolver(
    world: World, lab: Place, asked: list[str]
) -> None:
    asked.append("10.9.9.9")
    with Resolver(world.outside, "10.9.9.9", b""):
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
    with Resolver(world.outside, "10.9.9.9", b"for ada"):
        assert ask(ada).endswith(b"for ada")
