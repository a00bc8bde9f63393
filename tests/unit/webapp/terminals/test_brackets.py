"""Whose long paste is open, and who has to close it."""

from __future__ import annotations

import pytest

from webapp.terminals.brackets import BEGIN, END, Bracket


@pytest.mark.parametrize(
    "pieces",
    [
        [BEGIN + b"one", b"two"],
        [BEGIN + b"one" + END[:3]],
        [BEGIN + b"one" + END, BEGIN + b"two"],
        [BEGIN[:4], BEGIN[4:]],
    ],
)
def test_a_paste_without_its_end_is_closed_once_whose_it_is_goes(pieces: list[bytes]) -> None:
    bracket = Bracket[str]()
    for piece in pieces:
        bracket.typed("ben", piece, is_piece=True)
    bracket.typed("chi", b"l", is_piece=False)
    assert not bracket.leave("chi")
    assert bracket.leave("ben")
    assert not bracket.is_open


@pytest.mark.parametrize(
    ("by", "data", "is_piece"),
    [
        ("ben", b"two" + END, True),
        ("ben", b"\x03", False),
        ("chi", END, False),
    ],
)
def test_a_paste_that_has_ended_is_not_ended_again(by: str, data: bytes, is_piece: bool) -> None:
    bracket = Bracket[str]()
    bracket.typed("ben", BEGIN + b"one", is_piece=True)
    bracket.typed(by, data, is_piece=is_piece)
    assert not bracket.leave("ben")


def test_an_end_in_two_pieces_is_an_end() -> None:
    bracket = Bracket[str]()
    for piece in (BEGIN + b"one" + END[:4], END[4:]):
        bracket.typed("ben", piece, is_piece=True)
    assert not bracket.leave("ben")
