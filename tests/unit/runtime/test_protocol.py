from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.problems import Problem
from runtime.protocol import PACKET_BYTES, PACKET_DESCRIPTORS, Args, Connection

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[Connection, Connection]]:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Connection(here) as one, Connection(there) as other:
        yield one, other


def open_descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_a_packet_arrives_whole_with_its_descriptors(ends: tuple[Connection, Connection]) -> None:
    here, there = ends
    read_fd, write_fd = os.pipe()
    here.send({"verb": "x"}, [read_fd])
    os.close(read_fd)
    packet = there.receive()
    assert packet
    assert packet.body == {"verb": "x"}
    got = packet.descriptors.take(0)
    os.write(write_fd, b"through")
    assert os.read(got, 10) == b"through"
    assert not os.get_inheritable(got)
    os.close(got)
    os.close(write_fd)


def test_descriptors_that_nobody_takes_are_closed(ends: tuple[Connection, Connection]) -> None:
    here, there = ends
    before = open_descriptors()
    here.send({}, [0, 0, 0])
    packet = there.receive()
    assert packet
    with packet.descriptors:
        assert len(open_descriptors()) == len(before) + 3
    assert open_descriptors() == before


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe", b"[1]", b"{", b'"text"', b"[" * 60_000],
    ids=["no text", "a list", "cut off", "a string", "too deep"],
)
def test_a_malformed_packet_is_refused_and_leaks_nothing(
    ends: tuple[Connection, Connection], raw: bytes
) -> None:
    here, there = ends
    before = open_descriptors()
    with socket.socket(fileno=os.dup(here.fileno())) as plain:
        socket.send_fds(plain, [raw], [0, 1])
    with pytest.raises(Problem) as refused:
        there.receive()
    assert refused.value.code == "bad-request"
    assert len(open_descriptors()) == len(before)


def test_a_connection_goes_on_after_a_packet_that_was_too_large(
    ends: tuple[Connection, Connection],
) -> None:
    here, there = ends
    os.write(here.fileno(), b" " * (PACKET_BYTES + 1))
    with pytest.raises(Problem) as refused:
        there.receive()
    assert refused.value.code == "packet-too-large"
    here.send({"still": "here"})
    packet = there.receive()
    assert packet
    assert packet.body == {"still": "here"}


def test_more_descriptors_than_allowed_are_refused_and_closed(
    ends: tuple[Connection, Connection],
) -> None:
    here, there = ends
    before = open_descriptors()
    here.send({}, [0] * (PACKET_DESCRIPTORS + 10))
    with pytest.raises(Problem):
        there.receive()
    assert open_descriptors() == before


def test_a_packet_too_large_to_send_is_refused_before_it_is_sent(
    ends: tuple[Connection, Connection],
) -> None:
    here, there = ends
    with pytest.raises(Problem) as refused:
        here.send({"text": "x" * PACKET_BYTES})
    assert refused.value.code == "packet-too-large"
    here.send({})
    assert there.receive()


def test_the_end_of_a_connection_is_seen_without_reading(
    ends: tuple[Connection, Connection],
) -> None:
    here, there = ends
    assert not there.is_gone()
    here.close()
    assert there.is_gone()
    assert there.receive() is None


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({}, "“rows” is missing"),
        ({"rows": None}, "“rows” is missing"),
        ({"rows": True}, "“rows” must be a whole number"),
        ({"rows": "24"}, "“rows” must be a whole number"),
        ({"rows": 0}, "“rows” must be from 1 to 500"),
        ({"rows": 10**30}, "“rows” must be from 1 to 500"),
    ],
)
def test_a_wrong_argument_is_named_with_what_it_must_be(raw: dict[str, object], words: str) -> None:
    with pytest.raises(Problem, match=words):
        Args(raw).integer("rows", low=1, high=500)


def test_numbers_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(Problem, match="must be from 0 to 1"):
        Args({"x": float("nan")}).number("x", low=0, high=1)


def test_an_argument_within_a_group_is_named_by_its_path() -> None:
    args = Args({"shapes": [{"limits": {"pids": "many"}}]})
    with pytest.raises(Problem, match=r"“shapes\[0\].limits.pids” must be a whole number"):
        args.groups("shapes", most=4)[0].group("limits").integer("pids", low=1, high=9)


def test_an_argument_that_nobody_knows_is_refused() -> None:
    with pytest.raises(Problem, match="“utnil” isn't known here"):
        Args({"lab": "x", "utnil": 3}).only(("lab", "until"))


def test_a_text_is_held_to_all_of_its_pattern() -> None:
    with pytest.raises(Problem, match="must match"):
        Args({"lab": "0123abcd\n"}).text("lab", longest=20, pattern="[0-9a-f]{8}")
