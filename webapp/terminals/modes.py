"""What a terminal's screen depends on beyond its text: modes, margins, character sets.

A viewer that comes back after its place has left the ring gets no old bytes, so a program in it
(vim, less, htop) would draw on the wrong buffer and arrow keys would send the wrong codes. The
scanner reads exactly the bytes that leave the ring and remembers what they switched; `preamble`
says it again.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from webapp.terminals.pen import ESCAPE

# DEC private modes that outlive the bytes that set them, in the order in which they are said again:
# the alternate buffers first, since margins and cursor belong to the buffer.
MODES = (
    47,
    1047,
    1049,
    1,
    6,
    7,
    25,
    66,
    1000,
    1001,
    1002,
    1003,
    1004,
    1005,
    1006,
    1015,
    1016,
    2004,
)
ON_AT_RESET = frozenset({7, 25})
_BIT = {mode: 1 << index for index, mode in enumerate(MODES)}
_AT_RESET = sum(_BIT[mode] for mode in ON_AT_RESET)

_SEQUENCE = re.compile(
    rb"\x1b(?:\[(?P<mark>[?!]?)(?P<numbers>[\d;]{0,48})(?P<final>[hlrpt])"
    rb"|(?P<slot>[()*+])(?P<charset>.)"
    rb"|(?P<short>[=>c]))"
    rb"|(?P<shift>[\x0e\x0f])",
    re.DOTALL,
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[?!]?[\d;]{0,48}|[()*+])?\Z")
_OPEN = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|[\]P^_X][^\x07\x1b]*|[ -/]*)\Z")
_HALF = re.compile(rb"(?:[\xc0-\xff]|[\xe0-\xff][\x80-\xbf]|[\xf0-\xff][\x80-\xbf]{2})\Z")
# Text in colour is dense with escapes, none of which matters here. Without their brackets, numbers
# and spaces, and with like bytes made one, all that does matter, and a pen's shape and title, has
# the same trace; a block without is not looked at further, which is thirty times faster.
_BETWEEN = b"[0123456789; "
_FOLD = bytes.maketrans(b"!()*+=>]cqr", b"???????????")
_TRACE = b"\x1b?"
_SLOTS = b"()*+"
_STRINGS = (b"\x1b]", b"\x1bP", b"\x1b^", b"\x1b_", b"\x1bX")
_LONGEST = 56
_FAR = 8 * 1024  # of text in which no line ends
_PACKED = struct.Struct("<IHH4sBBB56s")
PACKED_BYTES = _PACKED.size


@dataclass
class Modes:
    """The scanner and what it knows; fits in the ring's header, so that it outlives the pump."""

    bits: int = _AT_RESET
    margins: tuple[int, int] = (0, 0)
    charsets: bytearray = field(default_factory=lambda: bytearray(b"BBBB"))
    shifted: bool = False
    keypad: bool = False
    unfinished: bytes = b""

    def scan(self, block: bytes) -> bool:
        """Read `block`, which follows what was scanned before; a sequence may be cut anywhere.

        Returns:
            Whether there may be more in it than text and colours.
        """
        text = self.unfinished + block
        has_escapes, is_shifted = ESCAPE in text, b"\x0e" in text or b"\x0f" in text
        cut = _UNFINISHED.search(text, max(0, len(text) - _LONGEST)) if has_escapes else None
        self.unfinished = cut.group() if cut else b""
        has_more = is_shifted or (has_escapes and _TRACE in text.translate(_FOLD, _BETWEEN))
        if has_more:
            for found in _SEQUENCE.finditer(text):
                self._apply(found)
        return has_more

    def _apply(self, found: re.Match[bytes]) -> None:
        final, slot, short = found["final"], found["slot"], found["short"]
        if final:
            self._control(found["mark"], found["numbers"], final)
        elif slot:
            self.charsets[_SLOTS.index(slot)] = found["charset"][0]
        elif short == b"c":
            self._reset()
        elif short:
            self.keypad = short == b"="
        else:
            self.shifted = found["shift"] == b"\x0e"

    def _control(self, mark: bytes, numbers: bytes, final: bytes) -> None:
        if mark == b"?" and final in b"hl":
            for number in numbers.split(b";"):
                bit = _BIT.get(int(number or 0), 0)
                self.bits = self.bits | bit if final == b"h" else self.bits & ~bit
        elif mark == b"?" and final == b"t":
            self.margins = (0, 0)  # our own word for another size, at which every terminal forgets
        elif mark == b"!" and final == b"p":
            self._reset(keep=sum(_BIT[mode] for mode in (47, 1047, 1049)))
        elif not mark and final == b"r":
            top, bottom = [*(min(int(n or 0), 65535) for n in numbers.split(b";")[:2]), 0][:2]
            self.margins = (top, bottom)

    def _reset(self, keep: int = 0) -> None:
        self.bits = _AT_RESET | (self.bits & keep)
        self.margins, self.shifted, self.keypad = (0, 0), False, False
        self.charsets[:] = b"BBBB"

    def preamble(self) -> bytes:
        """The bytes that bring a terminal from any state to this one, with an empty screen."""
        parts = [b"\x1bc"]
        for mode in MODES:
            is_on = bool(self.bits & _BIT[mode])
            if is_on != (mode in ON_AT_RESET):
                parts.append(b"\x1b[?%d%c" % (mode, b"h" if is_on else b"l"))
        parts += [
            b"\x1b%c%c" % (slot, charset)
            for slot, charset in zip(_SLOTS, self.charsets, strict=True)
            if charset != ord("B")
        ]
        if self.shifted:
            parts.append(b"\x0e")
        if any(self.margins):
            parts.append(
                b"\x1b[%d;%dr" % self.margins if self.margins[1] else b"\x1b[%dr" % self.margins[0]
            )
        if self.keypad:
            parts.append(b"\x1b=")
        return b"".join(parts)

    def copy(self) -> Modes:
        """A scanner that goes on from here on its own."""
        return Modes.unpack(self.pack())

    def pack(self) -> bytes:
        """`PACKED_BYTES` bytes that `unpack` understands."""
        return _PACKED.pack(
            self.bits,
            *self.margins,
            bytes(self.charsets),
            self.shifted,
            self.keypad,
            len(self.unfinished),
            self.unfinished,
        )

    @classmethod
    def unpack(cls, raw: bytes) -> Modes:
        """The scanner that `pack` wrote down."""
        bits, top, bottom, charsets, shifted, keypad, length, unfinished = _PACKED.unpack(raw)
        return cls(
            bits,
            (top, bottom),
            bytearray(charsets),
            bool(shifted),
            bool(keypad),
            unfinished[:length],
        )


def switches(text: bytes) -> bytes:
    """All in `text` that switches a mode, and nothing else of it."""
    return b"".join(found.group() for found in _SEQUENCE.finditer(text))


def size_mark(rows: int, cols: int) -> bytes:
    """What stands in the output where the terminal's size changed: no program says this.

    Output drawn for one size and replayed at another is wrong for good (margins of 28 rows on a
    screen of 37), so a page that is given old output changes its size in the same places.
    """
    return b"\x1b[?8;%d;%dt" % (rows, cols)


def is_whole(text: bytes) -> bool:
    """Whether a mark may follow `text`: it ends neither in a sequence nor in a character."""
    tail = text[-_LONGEST:]
    return not (_OPEN.search(tail) or _HALF.search(tail))


def safe_cut(text: bytes, start: int) -> int:
    """The first place in `text` at or after `start` from where a terminal can begin to read.

    Just before an escape or just after a line's end; never inside a sequence or a character. Where
    neither comes for long (a line without end), between two of its letters.
    """
    escape, line = text.find(b"\x1b", start), text.find(b"\n", start)
    places = [place for place in (escape, line + 1 if line >= 0 else -1) if place >= 0]
    cut = min(places, default=len(text))
    if cut - start <= _FAR or _is_in_string(text, start):
        return cut
    letters = range(start, start + _LONGEST)
    return next((at for at in letters if is_whole(text[max(0, at - _LONGEST) : at])), cut)


def _is_in_string(text: bytes, at: int) -> bool:
    """Whether what follows `at` is a title or a picture rather than text."""
    opened = text.rfind(b"\x1b", 0, at)
    if opened < 0 or b"\a" in text[opened:at]:
        return False
    return text.startswith(_STRINGS, opened)
