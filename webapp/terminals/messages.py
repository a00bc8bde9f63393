"""What the frames of a terminal say: the table in docs/reference.md, "Terminal frames"."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from typing import Literal

from webapp.terminals.bounds import INPUT_BYTES
from webapp.terminals.frames import BINARY, Op, encode, head

MAX_ROWS = 500
MAX_COLS = 1000
KEYS, PIECE = b"I", b"T"
INTERRUPT = b"\x03"  # Ctrl-C, as it is typed

SHORT_BYTES = 126 - 9  # a frame of up to 125 bytes has a head of two
_OUTPUT, _SHORT_OUTPUT = struct.Struct(">cQ"), struct.Struct(">BBcQ")

# What xterm.js says by itself when a program asks: attributes, status, cursor, modes, colours.
_ANSWER = re.compile(
    rb"(?:\x1b\[[?>=]?[\d;]*(?:[cnR]|\$y)|\x1b\][\d;]+;rgb:[^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1bP[^\x1b]*\x1b\\)+"
)

Replay = Literal["exact", "screen", "fresh"]
EndReason = Literal["shell", "lab", "withdrawn", "until"]


class MessageError(ValueError):
    """A payload that the table doesn't have; the sentence is for the person at the other end."""


@dataclass(slots=True)
class Input:
    """Keys pressed.

    Attributes:
        wants_word: the browser waits until all of it is with the program (a piece of a paste).
    """

    data: bytes
    wants_word: bool = False


@dataclass(frozen=True)
class Resize:
    """The browser's terminal has another size."""

    rows: int
    cols: int


@dataclass(frozen=True)
class Drawn:
    """The browser has drawn everything before `seq`."""

    seq: int


@dataclass(frozen=True)
class Knock:
    """The browser wants a sign of life."""


Message = Input | Resize | Drawn | Knock


def parse(payload: bytes) -> Message:
    """One payload from the browser.

    Raises:
        MessageError: it isn't in the table, or a number is out of its bounds.
    """
    kind, rest = payload[:1], payload[1:]
    if kind in {KEYS, PIECE} and 0 < len(rest) <= INPUT_BYTES:
        return Input(rest, wants_word=kind == PIECE)
    if kind == b"Z" and len(rest) == 4:
        rows, cols = struct.unpack(">HH", rest)
        if 1 <= rows <= MAX_ROWS and 1 <= cols <= MAX_COLS:
            return Resize(rows, cols)
        raise MessageError(f"A terminal has at most {MAX_ROWS} rows and {MAX_COLS} columns.")
    if kind == b"A" and len(rest) == 8:
        return Drawn(struct.unpack(">Q", rest)[0])
    if payload == b"K":
        return Knock()
    raise MessageError("The server did not understand a message of this page.")


def is_answer(data: bytes) -> bool:
    """Whether a terminal answered a program's question, and no person typed."""
    return data[:1] == b"\x1b" and _ANSWER.fullmatch(data) is not None


def hello(**fields: object) -> bytes:
    """`H`: who the terminal is, and where its output goes on from."""
    return encode(Op.BINARY, b"H", json.dumps(fields).encode())


def echo(seq: int, data: bytes) -> bytes:
    """`O`: less than `SHORT_BYTES` of the terminal, the first of which is number `seq`."""
    return _SHORT_OUTPUT.pack(BINARY, 9 + len(data), b"O", seq) + data


def output(seq: int, length: int) -> bytes:
    """`O`: what stands before `length` bytes of the terminal, the first of which is `seq`."""
    return head(Op.BINARY, 9 + length) + _OUTPUT.pack(b"O", seq)


def ready() -> bytes:
    """`R`: the replay is over, input is taken from here."""
    return encode(Op.BINARY, b"R")


def size(rows: int, cols: int) -> bytes:
    """`S`: the terminal has this size now."""
    return encode(Op.BINARY, struct.pack(">cHH", b"S", rows, cols))


def front(*, has_program: bool) -> bytes:
    """`F`: whether a program is in front of the shell."""
    return encode(Op.BINARY, b"F", bytes([has_program]))


def taken() -> bytes:
    """`T`: the piece of a paste is with the program, the next one may come."""
    return encode(Op.BINARY, b"T")


def here() -> bytes:
    """`K`: a sign of life."""
    return encode(Op.BINARY, b"K")


def ended(reason: EndReason) -> bytes:
    """`E`: nothing more comes."""
    return encode(Op.BINARY, b"E", json.dumps({"reason": reason}).encode())


def problem(code: str, sentence: str, hint: str = "") -> bytes:
    """`P`: something was refused; the connection lives."""
    said = {"code": code, "sentence": sentence, "hint": hint}
    return encode(Op.BINARY, b"P", json.dumps(said).encode())
