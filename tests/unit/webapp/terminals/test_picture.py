"""Small pictures of terminals: what they show, and what strangers can make them cost."""

from __future__ import annotations

import gc
from typing import Any

import pyte
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webapp.terminals import picture
from webapp.terminals.picture import (
    CELL_CHARACTERS,
    COLUMNS_MOST,
    READ_BYTES,
    ROWS_MOST,
    Picture,
    Run,
)

EPOCH = 7


@pytest.fixture(autouse=True)
def _take_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "LONGEST_S", 60.0)


class Shown:
    """A picture, and a terminal that prints what a test says."""

    def __init__(self, rows: int = 24, cols: int = 80) -> None:
        self.picture = Picture()
        self.size = rows, cols
        self.printed = 0

    def prints(self, output: bytes, *, skipped: int = 0, preamble: bytes = b"") -> None:
        self.printed += skipped
        rows, cols = self.size
        told: dict[str, Any] = {"epoch": EPOCH, "seq": self.printed, "rows": rows, "cols": cols}
        self.picture.take({**told, "preamble": preamble, "output": output})
        self.printed += len(output)

    def rows(self) -> dict[int, list[Run]]:
        return {row: runs for row, runs in self.picture.changed_since(0).items() if runs}

    def text(self) -> list[str]:
        return ["".join(run[1] for run in runs) for _, runs in sorted(self.rows().items())]


def test_text_and_its_colours_are_runs_without_the_blank_end() -> None:
    shown = Shown()
    shown.prints(b"\x1b[32mlearner@lab\x1b[0m:~$ ls   \r\n\x1b[7m x \x1b[0m\x1b[38;5;99mviolet")
    assert shown.rows() == {
        0: [[0, "learner@lab", 2, None], [11, ":~$ ls", None, None]],
        1: [[0, " x ", "ground", "ink"], [3, "violet", "#875fff", None]],
    }


def test_only_rows_that_changed_are_told_again() -> None:
    shown = Shown()
    shown.prints(b"one\r\ntwo\r\n")
    before = shown.picture.turn
    shown.prints(b"three")
    assert list(shown.picture.changed_since(before)) == [2]
    before = shown.picture.turn
    shown.prints(b"")
    assert shown.picture.turn == before


def test_a_row_that_becomes_empty_is_told() -> None:
    shown = Shown()
    shown.prints(b"one\r\ntwo")
    before = shown.picture.turn
    shown.prints(b"\x1b[2J")
    assert shown.picture.changed_since(before) == {0: [], 1: []}


def test_what_was_there_before_a_full_screen_program_comes_back() -> None:
    shown = Shown()
    shown.prints(b"prompt$ vim\r\n\x1b[?1049h\x1b[H~\r\n~\x1b[?4m")
    assert shown.text() == ["~", "~"]
    shown.prints(b"\x1b[?1049lprompt$")
    assert shown.text()[0] == "prompt$ vim"


def test_wide_letters_keep_the_columns_of_what_follows() -> None:
    shown = Shown()
    shown.prints("李雷 ok".encode())
    assert shown.rows()[0] == [[0, "李", None, None], [2, "雷", None, None], [5, "ok", None, None]]


def test_of_a_flood_the_end_is_shown_with_its_modes() -> None:
    shown = Shown()
    flood = b"\x1b[?1049h" + b"line\r\n" * READ_BYTES + b"the end"
    shown.prints(flood[-60_000:], skipped=500_000)
    assert shown.text()[-1] == "the end"
    shown.prints(b"x\r\n" * READ_BYTES, skipped=500_000)
    shown.prints(b"")  # quiet: it wants all anew
    assert (shown.picture.epoch, shown.picture.seq) == (None, None)


def test_what_takes_too_long_to_draw_is_cut_short_and_drawn_anew_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture, "LONGEST_S", -1.0)
    shown = Shown()
    shown.prints(b"\x1b[41m\x1b[2J" * 100)
    assert shown.rows() == {}
    shown.prints(b"")
    assert shown.picture.epoch is None


def test_a_terminal_of_any_size_is_a_picture_of_a_bounded_one() -> None:
    shown = Shown(60_000, 60_000)
    shown.prints(b"\x1b#8\x1b[?5h\x1b[9999;9999He")
    assert shown.picture.size == (ROWS_MOST, COLUMNS_MOST)
    assert shown.rows()[ROWS_MOST - 1][-1][0] == COLUMNS_MOST - 1


def test_cells_that_are_alike_are_kept_once() -> None:
    before = cells_alive()
    shown = Shown()
    shown.prints(b"letters as ever\r\n" * 20)
    assert shown.text() == ["letters as ever"] * 20
    assert cells_alive() - before < 40


def cells_alive() -> int:
    gc.collect()
    return sum(isinstance(each, pyte.screens.Char) for each in gc.get_objects())


def test_marks_without_end_on_one_letter_are_few() -> None:
    shown = Shown()
    shown.prints(b"a" + "\u0301".encode() * 2000 + b"\x1b7" * 2000)
    assert len(shown.text()[0]) <= CELL_CHARACTERS


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 80), st.integers(1, 200))
def test_any_bytes_become_a_picture(pieces: list[bytes], rows: int, cols: int) -> None:
    shown = Shown(rows, cols)
    for piece in pieces:
        shown.prints(piece)
    assert max(shown.rows(), default=0) < min(rows, ROWS_MOST)
    assert all(run[0] < cols for runs in shown.rows().values() for run in runs)


PARTS = [
    "\x1b[",
    "?",
    "1;2;3",
    "9999",
    "A",
    "m",
    "h",
    "l",
    "\x1b]0;",
    "\x9b",
    "r",
    "J",
    "\x1b7",
    "X",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=40))
@example(["\x1b[", "9999", "J"])  # pyte takes a name that it never gave anything
def test_after_any_sequences_text_is_text_again(parts: list[str]) -> None:
    shown = Shown()
    shown.prints("".join(parts).encode() + b"\x07\x1b\\\x18\x1bcend")
    assert shown.text()[-1].endswith("end")
