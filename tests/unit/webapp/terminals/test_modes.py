"""What the scanner remembers of output that is gone."""

from __future__ import annotations

import pytest

from webapp.terminals.modes import Modes, safe_cut


def scanned(*blocks: bytes) -> Modes:
    modes = Modes()
    for block in blocks:
        modes.scan(block)
    return modes


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (b"plain text", b""),
        (b"\x1b[?1049h", b"\x1b[?1049h"),
        (b"\x1b[?1049h\x1b[?1049l", b""),
        (b"\x1b[?25l", b"\x1b[?25l"),
        (b"\x1b[?25l\x1b[?25h", b""),
        (b"\x1b[?1;2004;1006h", b"\x1b[?1h\x1b[?1006h\x1b[?2004h"),
        (b"\x1b[3;20r", b"\x1b[3;20r"),
        (b"\x1b[3;20r\x1b[r", b""),
        (b"\x1b(0", b"\x1b(0"),
        (b"\x1b)0\x0e", b"\x1b)0\x0e"),
        (b"\x1b)0\x0e\x0f\x1b)B", b""),
        (b"\x1b=", b"\x1b="),
        (b"\x1b=\x1b>", b""),
        (b"\x1b[?1049h\x1b=\x1b(0\x1bc", b""),
        (b"\x1b[?1049h\x1b[?1h\x1b[!p", b"\x1b[?1049h"),
        (b"\x1b[31mred\x1b[0m\x1b[2J\x1b[H", b""),
    ],
)
def test_the_preamble_says_what_differs_from_a_reset(output: bytes, said: bytes) -> None:
    assert scanned(output).preamble() == b"\x1bc" + said


def test_a_sequence_may_be_cut_at_any_byte() -> None:
    output = b"text\x1b[?1049h\x1b[5;9r\x1b(0\x1b=more"
    whole = scanned(output)
    for at in range(len(output)):
        assert scanned(output[:at], output[at:]).preamble() == whole.preamble(), at
    assert scanned(*(bytes([byte]) for byte in output)).preamble() == whole.preamble()


def test_a_packed_scanner_goes_on_where_it_was() -> None:
    modes = Modes.unpack(scanned(b"\x1b[?1h\x1b)0\x0e\x1b[2;7r\x1b[?104").pack())
    modes.scan(b"9h")
    assert modes.preamble() == b"\x1bc\x1b[?1049h\x1b[?1h\x1b)0\x0e\x1b[2;7r"


def test_huge_numbers_do_no_harm() -> None:
    modes = scanned(b"\x1b[99999999999999999999;88888888888r", b"\x1b[?99999999999h")
    assert Modes.unpack(modes.pack()).preamble() == b"\x1bc\x1b[65535;65535r"


@pytest.mark.parametrize(
    ("text", "start", "cut"),
    [
        (b"one\ntwo\nthree", 1, 4),
        (b"one\x1b[31mtwo\n", 1, 3),
        (b"one\ntwo\x1b[m", 5, 7),
        (b"no place", 2, 8),
        (b"\nfirst", 0, 1),
        ("é".encode() + b"\n", 1, 3),
        (b"x" * 20_000, 100, 100),
        (b"x" * 20_000 + b"\x1b[m", 100, 100),
        ("€".encode() * 9_000, 100, 102),
        (b"x\x1b[31" + b"m" * 20_000, 5, 6),
        (b"\x1b]0;" + b"x" * 20_000 + b"\x1b\\", 100, 20_004),
        (b"\x1bPq" + b"x" * 20_000, 100, 20_003),
        (b"\x1b]0;title\x07" + b"x" * 20_000, 100, 100),
    ],
)
def test_a_tail_begins_where_a_terminal_can_begin_to_read(
    text: bytes, start: int, cut: int
) -> None:
    assert safe_cut(text, start) == cut
