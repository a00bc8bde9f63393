"""Numbered output in memory that outlives who writes it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from webapp.terminals.ring import HEADER_BYTES, READ_BYTES, Ring, TakenOverError

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA_BYTES = 64 * 1024


@pytest.fixture
def memory() -> Iterator[int]:
    fd = os.memfd_create("ring", os.MFD_CLOEXEC)
    os.ftruncate(fd, HEADER_BYTES + DATA_BYTES)
    yield fd
    os.close(fd)


def fill(ring: Ring, text: bytes) -> None:
    """Let the ring read `text` from a stream."""
    read, write = os.pipe()
    while text:
        count = os.write(write, text[:READ_BYTES])
        text = text[count:]
        while count:
            count -= ring.read_from(read)
    os.close(read)
    os.close(write)


def numbers(first: int, last: int) -> bytes:
    return b"".join(b"%d\n" % number for number in range(first, last))


def test_what_was_read_is_kept_under_its_number(memory: int) -> None:
    ring = Ring(memory, owner=1)
    fill(ring, b"hello world")
    assert (ring.base, ring.head) == (0, 11)
    assert ring.slice(6, 100) == b"world"
    assert ring.slice(0, 5) == b"hello"


def test_the_newest_output_is_kept_across_the_end_of_the_memory(memory: int) -> None:
    ring = Ring(memory, owner=1)
    text = numbers(0, 40_000)
    fill(ring, text)
    assert ring.head == len(text)
    assert 0 < ring.base <= ring.head - DATA_BYTES // 4
    assert ring.slice(ring.base, DATA_BYTES) == text[ring.base :]


def test_what_is_sent_as_it_lies_there_is_what_was_printed(memory: int) -> None:
    ring = Ring(memory, owner=1)
    text = numbers(0, 36_000)
    fill(ring, text)
    seen = [ring.look(seq, 1000) for seq in range(ring.base, ring.head - 1000, 100)]
    assert {len(parts) for parts in seen} == {1, 2}
    assert [b"".join(parts) for parts in seen] == [
        text[seq : seq + 1000] for seq in range(ring.base, ring.head - 1000, 100)
    ]


def test_a_new_pump_finds_the_numbering_and_the_modes(memory: int) -> None:
    old = Ring(memory, owner=1)
    fill(old, b"\x1b[?1049h" + numbers(0, 40_000))
    new = Ring(memory, owner=2)
    assert (new.epoch, new.head, new.base) == (old.epoch, old.head, old.base)
    assert new.restore() == old.restore()
    assert new.restore()[0] == b"\x1bc\x1b[?1049h"
    fill(new, b"for the new one")
    with pytest.raises(TakenOverError):
        fill(old, b"not for the old one")


def test_what_a_killed_pump_read_but_did_not_count_is_recovered(memory: int) -> None:
    ring = Ring(memory, owner=1)
    fill(ring, b"counted ")
    os.pwrite(memory, "not counted: é".encode(), HEADER_BYTES + ring.head)
    again = Ring(memory, owner=2)
    assert again.slice(0, 100).decode() == "counted not counted: é"


def test_old_content_is_never_taken_for_a_recovered_read(memory: int) -> None:
    ring = Ring(memory, owner=1)
    for part in range(200):
        fill(ring, numbers(part * 100, part * 100 + 100 + part))
        again = Ring(memory, owner=part)
        assert again.head == ring.head
        ring = again


def test_a_whole_session_is_restored_from_its_start(memory: int) -> None:
    ring = Ring(memory, owner=1)
    fill(ring, b"\x1b[?1049hall of it")
    assert ring.restore() == (b"", 0)


def test_a_restored_tail_begins_at_a_line(memory: int) -> None:
    ring = Ring(memory, owner=1)
    text = numbers(0, 40_000)
    fill(ring, text)
    _, seq = ring.restore()
    assert text[seq - 1 : seq] == b"\n"
    assert seq >= ring.base


def test_a_notice_is_part_of_the_output(memory: int) -> None:
    ring = Ring(memory, owner=1)
    fill(ring, b"before ")
    ring.append(b"notice ")
    fill(ring, b"after")
    assert ring.slice(0, 100) == b"before notice after"


def test_a_header_that_makes_no_sense_begins_anew(memory: int) -> None:
    ring = Ring(memory, owner=1)
    fill(ring, b"something")
    os.pwrite(memory, b"\xff" * 16, 24)
    again = Ring(memory, owner=2)
    assert (again.base, again.head) == (0, 0)
    assert again.epoch != ring.epoch


def test_memory_that_is_too_small_is_refused(memory: int) -> None:
    os.ftruncate(memory, HEADER_BYTES)
    with pytest.raises(ValueError, match="too small"):
        Ring(memory, owner=1)
