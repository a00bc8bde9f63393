"""Websocket frames: everything whole, nothing broken gets through."""

from __future__ import annotations

import pytest

from webapp.terminals import frames
from webapp.terminals.frames import FrameError, Op, Parser, encode, encode_masked

KEY = b"\x12\x34\x56\x78"


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_message_of_any_length_comes_out_as_it_went_in(size: int) -> None:
    payload = bytes(byte % 256 for byte in range(size))
    assert Parser(expects_mask=True).feed(encode_masked(Op.BINARY, payload, KEY)) == [
        (Op.BINARY, payload)
    ]
    assert Parser(expects_mask=False).feed(encode(Op.BINARY, payload)) == [(Op.BINARY, payload)]


def test_frames_may_arrive_a_byte_at_a_time() -> None:
    sent = encode_masked(Op.BINARY, b"one", KEY) + encode_masked(Op.PING, b"two", KEY)
    parser = Parser(expects_mask=True)
    found = [message for byte in sent for message in parser.feed(bytes([byte]))]
    assert found == [(Op.BINARY, b"one"), (Op.PING, b"two")]


def test_fragments_are_joined_around_a_ping() -> None:
    first = bytearray(encode_masked(Op.BINARY, b"ab", KEY))
    first[0] &= 0x7F
    sent = bytes(first) + encode_masked(Op.PING, b"", KEY) + encode_masked(Op.CONTINUE, b"cd", KEY)
    assert Parser(expects_mask=True).feed(sent) == [(Op.PING, b""), (Op.BINARY, b"abcd")]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (encode(Op.BINARY, b"x"), 1002),
        (b"\xf2\x80", 1002),
        (b"\x83\x80", 1002),
        (b"\x80\x80\0\0\0\0", 1002),
        (b"\x09\x80", 1002),
        (b"\x89\xfe\x00\x7e", 1002),
        (b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
    ],
)
def test_a_broken_frame_is_refused_before_its_payload_is_kept(sent: bytes, code: int) -> None:
    with pytest.raises(FrameError) as refused:
        Parser(expects_mask=True).feed(sent)
    assert refused.value.code == code


def test_endless_fragments_are_refused() -> None:
    piece = bytearray(encode_masked(Op.CONTINUE, b"x" * 2000, KEY))
    piece[0] &= 0x7F
    first = bytes([Op.BINARY, *piece[1:]])
    parser = Parser(expects_mask=True)
    with pytest.raises(FrameError) as refused:
        parser.feed(first + bytes(piece) * 100)
    assert refused.value.code == 1009


def test_a_close_frame_carries_code_and_reason() -> None:
    assert frames.close(1002, "why") == b"\x88\x05\x03\xeawhy"
