from __future__ import annotations

import pytest

from webapp.terminals.holder import Holder
from webapp.terminals.messages import is_answer


def test_until_somebody_types_the_last_window_gives_the_size() -> None:
    holder = Holder[str]()
    assert holder.resize("a", (24, 80)) == (24, 80)
    assert holder.resize("b", (40, 120)) == (40, 120)


def test_who_types_takes_the_size_and_keeps_it() -> None:
    holder = Holder[str]()
    holder.resize("a", (24, 80))
    holder.resize("b", (40, 120))
    assert holder.type("a") == (24, 80)
    assert holder.type("a") is None
    assert holder.resize("b", (41, 121)) is None
    assert holder.resize("a", (25, 81)) == (25, 81)
    assert holder.type("b") == (41, 121)


def test_who_is_left_gets_the_size_of_who_typed_and_went() -> None:
    holder = Holder[str]()
    holder.resize("a", (24, 80))
    holder.resize("b", (40, 120))
    holder.type("b")
    assert holder.leave("b") == (24, 80)
    assert holder.leave("a") is None


def test_one_viewer_answers_until_another_types_or_it_goes() -> None:
    holder = Holder[str]()
    assert holder.answers("a")
    assert not holder.answers("b")
    holder.type("b")
    assert not holder.answers("a")
    holder.leave("b")
    assert holder.answers("a")


@pytest.mark.parametrize(
    "said",
    [
        b"\x1b[?1;2c",
        b"\x1b[>0;276;0c",
        b"\x1b[0n",
        b"\x1b[12;40R",
        b"\x1b[?2026;2$y",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1b]4;7;rgb:ffff/ffff/ffff\x07",
        b"\x1bP1$r0m\x1b\\",
        b"\x1b[?1;2c\x1b[0n",
    ],
)
def test_what_a_terminal_says_by_itself_is_an_answer(said: bytes) -> None:
    assert is_answer(said)


@pytest.mark.parametrize(
    "typed", [b"c", b"\x1b", b"\x1b[A", b"\x1bOP", b"\x1b[5~", b"\x1b[200~c\x1b[201~", b"\x1b[Ix"]
)
def test_what_a_person_types_is_none(typed: bytes) -> None:
    assert not is_answer(typed)
