"""Where a request's body ends, whichever way it says so."""

from __future__ import annotations

import io
from email.message import Message

import pytest

from runtime.problems import Problem
from runtime.registry.bodies import Body


def body(said: bytes, **headers: str) -> Body:
    head = Message()
    for name, value in headers.items():
        head[name.replace("_", "-")] = value
    return Body(head, io.BufferedReader(io.BytesIO(said)))


def test_a_body_of_a_known_length_ends_there() -> None:
    stream = body(b"hello and what follows", Content_Length="5")
    assert b"".join(stream.pieces()) == b"hello"


def test_a_body_in_chunks_is_read_to_its_last_one() -> None:
    said = b"4\r\nwiki\r\n6;why=not\r\npedia.\r\n0\r\nA: trailer\r\n\r\nGET"
    assert b"".join(body(said, Transfer_Encoding="chunked").pieces()) == b"wikipedia."


def test_what_one_reader_left_the_next_one_gets() -> None:
    stream = body(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", Transfer_Encoding="chunked")
    assert next(stream.pieces()) == b"a"
    assert list(stream.pieces()) == [b"b"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Length": "-1"},
        {"Content_Length": "0x5"},
        {"Content_Length": "5", "Transfer_Encoding": "chunked"},
        {"Transfer_Encoding": "gzip, chunked"},
        {"Transfer_Encoding": "identity"},
    ],
)
def test_a_body_whose_end_is_unclear_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Problem, match="can't be told"):
        body(b"", **headers)


@pytest.mark.parametrize(
    "said", [b"zz\r\n", b"-1\r\n", b"1\r\naXX0\r\n\r\n", b"0\r\n" + b"A: b\r\n" * 99]
)
def test_chunks_that_are_none_are_refused(said: bytes) -> None:
    with pytest.raises(Problem):
        list(body(said, Transfer_Encoding="chunked").pieces())


@pytest.mark.parametrize(
    ("said", "headers"),
    [(b"half", {"Content_Length": "8"}), (b"8\r\nhalf", {"Transfer_Encoding": "chunked"})],
)
def test_a_body_that_is_cut_off_is_not_passed_for_a_whole_one(
    said: bytes, headers: dict[str, str]
) -> None:
    with pytest.raises(ConnectionError):
        list(body(said, **headers).pieces())
