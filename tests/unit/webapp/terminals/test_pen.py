from __future__ import annotations

import pytest

from webapp.terminals.modes import Modes
from webapp.terminals.pen import carried


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"plain", b""),
        (b"\x1b[31mred", b"\x1b[31m"),
        (b"\x1b[31mred\x1b[1mbold", b"\x1b[31m\x1b[1m"),
        (b"\x1b[31mred\x1b[0mplain", b"\x1b[0m"),
        (b"\x1b[31mred\x1b[m\x1b[4munderlined", b"\x1b[m\x1b[4m"),
        (b"\x1b[38;2;1;2;3mred\x1bcnew", b""),
        (b"\x1b[5 qbar\x1b[2 qblock", b"\x1b[2 q"),
        (b"\x1b[ qusual", b"\x1b[ q"),
        (b"\x1b[5 qthe quick brown fox", b"\x1b[5 q"),
        (b"no q here", b""),
        (b"\x1b]0;one\x07\x1b]2;two\x1b\\text", b"\x1b]2;two\x1b\\"),
        (b"\x1b]0;one\x07\x1b]133;D;0\x07text", b"\x1b]0;one\x07"),
        (b"\x1bcnew\x1b[31mred", b"\x1b[31m"),
        (b"\x1b[0m\x1b[31mred\x1b[mplain\x1b[4m", b"\x1b[m\x1b[4m"),
        ("\x1b]0;ö\x07".encode(), b""),
    ],
)
def test_what_a_text_leaves_set_is_set_again(text: bytes, left: bytes) -> None:
    pen = carried(b"", text, has_more=Modes().scan(text))
    assert pen == left
    assert carried(pen, b"more", has_more=Modes().scan(b"more")) == left


@pytest.mark.parametrize("end", [b"\x07", b"\x1b\\"])
@pytest.mark.parametrize("begin", [b"\x1b]0;", b"\x1b]2;"])
def test_a_title_that_is_cut_anywhere_is_whole_again(begin: bytes, end: bytes) -> None:
    title = begin + b"ada: ~" + end
    text = b"\x1b]0;before\x07" + title + b"$ "
    for cut in range(len(text)):
        assert left_by(text[:cut], text[cut:], b"more") == title
        assert left_by(*(text[at : at + 1] for at in range(cut, len(text)))) in {title, b""}


def test_a_title_that_is_begun_leaves_the_one_before_until_it_ends() -> None:
    begun = b"\x1b]0;one\x07\x1b]0;two"
    assert left_by(begun) == begun
    assert left_by(begun, b"\x1b[31m") == b"\x1b[31m"  # neither, as with one that is too long
    assert left_by(begun, b"o" * 300) == b""


def left_by(*blocks: bytes) -> bytes:
    """What a text leaves set that comes in these pieces."""
    modes, pen = Modes(), b""
    for block in blocks:
        text = modes.unfinished + block
        pen = carried(pen, text, has_more=modes.scan(block))
    return pen


def test_colours_alone_leave_title_and_shape() -> None:
    pen = carried(b"", b"\x1b]0;one\x07\x1b[5 q\x1b[31m", has_more=True)
    assert carried(pen, b"\x1b[0mplain", has_more=False) == b"\x1b]0;one\x07\x1b[5 q\x1b[0m"


def test_endless_colours_have_an_end() -> None:
    colour = b"\x1b[38;2;100;100;100;48;2;200;200;200;1;2;3m"
    title = b"\x1b]0;" + b"t" * 200 + b"\x07\x1b[5 q"
    assert len(carried(b"", title + colour * 10_000, has_more=True)) < 2046
