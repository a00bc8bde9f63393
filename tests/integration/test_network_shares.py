"""What one lab may take of the network, and that a neighbour still has theirs."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from runtime.network.router import Share
from runtime.network.rules import GATEWAY, NEW_AT_ONCE
from tests.integration.network_world import PRIVATE6, SOMEWHERE, SOMEWHERE6, Place, World

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 64
MBIT = 16
AMOUNT = 6 << 20
REFUSING6 = PRIVATE6[0]
ICMP, PING = socket.IPPROTO_ICMP, bytes([8, 0, 0, 0, 0, 0, 0, 1])


@pytest.fixture
def pair(world: World) -> Iterator[tuple[Place, Place, World]]:
    router = world.router(share=Share(connections=MOST, mbit=MBIT))
    mallory, ada = world.place(), world.place()
    router.attach("aaaaaaaa", mallory.netns.fd, internet=True)
    router.attach("bbbbbbbb", ada.netns.fd, internet=True)
    yield mallory, ada, world
    assert router.refusals().keys() <= {"aaaaaaaa"}


def held(place: Place, most: int) -> list[socket.socket]:
    """As many open connections as a place gets, in both versions of IP."""
    got: list[socket.socket] = []
    for number in range(most):
        address = (SOMEWHERE, SOMEWHERE6)[number % 2]
        try:
            got.append(place.connects(address))
        except ConnectionRefusedError:
            break
    return got


@pytest.mark.kernel
def test_one_lab_has_so_many_connections_and_its_neighbour_its_own(
    pair: tuple[Place, Place, World],
) -> None:
    mallory, ada, _ = pair
    kept = held(mallory, MOST * 2)
    assert len(kept) == MOST
    assert mallory.reaches(SOMEWHERE) == "refused"
    assert ada.reaches(SOMEWHERE) == "open"


def test_a_lab_that_knocks_without_end_is_held_to_its_rate(world: World) -> None:
    router = world.router(share=Share(connections=NEW_AT_ONCE * 3))
    mallory, ada = world.place(), world.place()
    router.attach("aaaaaaaa", mallory.netns.fd, internet=True)
    router.attach("bbbbbbbb", ada.netns.fd, internet=True)
    opened = sum(mallory.reaches(SOMEWHERE) == "open" for _ in range(NEW_AT_ONCE * 2))
    assert NEW_AT_ONCE <= opened < NEW_AT_ONCE * 1.5
    assert ada.reaches(SOMEWHERE) == "open"


@pytest.mark.kernel
def test_a_flood_without_answers_fills_no_table_of_the_routers(
    pair: tuple[Place, Place, World],
) -> None:
    mallory, ada, _ = pair
    flood = mallory.speaks()
    for port in range(1024, 6024):
        with suppress(OSError):  # the refusal of an earlier one
            flood.sendto(b"", (SOMEWHERE, port))
    assert mallory.reaches(SOMEWHERE) == "refused"
    assert ada.reaches(SOMEWHERE) == "open"


def test_pings_of_the_gateway_fill_no_table_of_the_routers(world: World) -> None:
    router, mallory = world.router(), world.place()
    router.attach("aaaaaaaa", mallory.netns.fd, internet=False)
    mallory.sh("sysctl", "-qw", "net.ipv4.ping_group_range=0 0")
    answered = 0
    for number in range(1, 301):  # each with an identity of its own, and so a connection
        with mallory.netns.run(socket.socket, socket.AF_INET, socket.SOCK_DGRAM, ICMP) as pinging:
            pinging.settimeout(5)
            pinging.bind(("", number))
            pinging.sendto(PING, (str(GATEWAY), 0))
            answered += bool(pinging.recv(64))
    assert answered == 300
    with Place.around(router.netns_fd) as inside:
        tracked = int(inside.sh("sysctl", "-n", "net.netfilter.nf_conntrack_count"))
    assert tracked < 100


def test_a_lab_that_is_refused_without_end_leaves_others_their_refusals(
    pair: tuple[Place, Place, World],
) -> None:
    """The kernel says so by one socket a processor, which what waits for one lab would fill."""
    mallory, ada, _ = pair
    stop = threading.Event()

    def flood() -> None:
        os.sched_setaffinity(0, {processor})
        speaker = mallory.speaks("::")
        while not stop.is_set():
            with suppress(OSError):  # the refusal of an earlier one
                speaker.sendto(bytes(500), (REFUSING6, 9))

    here = os.sched_getaffinity(0)
    processor = min(here)
    flooding = threading.Thread(target=flood)
    flooding.start()
    os.sched_setaffinity(0, {processor})
    try:
        time.sleep(0.5)  # until the queue is full
        told = sum(is_told(ada) for _ in range(10))
    finally:
        os.sched_setaffinity(0, here)
        stop.set()
        flooding.join()
    assert told == 10


def is_told(place: Place) -> bool:
    """Whether it hears at once that a datagram goes nowhere."""
    with place.netns.run(socket.socket, socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1)
        asking.connect((REFUSING6, 9))
        asking.send(b"")
        try:
            asking.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
    raise AssertionError


@pytest.mark.parametrize("direction", ["out", "in"])
def test_a_lab_sends_and_gets_as_much_a_second_as_it_may(
    pair: tuple[Place, Place, World], direction: str
) -> None:
    mallory, _, world = pair
    listener = world.outside.listens(8080)
    client = mallory.connects(SOMEWHERE, 8080)
    accepted, _ = listener.accept()
    accepted.settimeout(30)
    client.settimeout(30)
    sender, receiver = (client, accepted) if direction == "out" else (accepted, client)
    began = time.monotonic()
    thread = threading.Thread(target=sender.sendall, args=(bytes(AMOUNT),))
    thread.start()
    got = 0
    while got < AMOUNT:
        got += len(receiver.recv(1 << 20))
    mbit = AMOUNT * 8 / 1e6 / (time.monotonic() - began)
    thread.join()
    accepted.close()
    assert mbit < MBIT * 1.3
