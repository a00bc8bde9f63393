"""Who may be slow, and for how long."""

from __future__ import annotations

from webapp.terminals.bounds import WINDOW_BYTES
from webapp.terminals.credit import STALL_S, Credit
from webapp.terminals.pacing import FULL_BYTES, SHARED_BYTES, Pacing


def test_no_more_than_the_window_is_sent_beyond_what_was_drawn() -> None:
    credit = Credit(1000)
    assert credit.room(1000) == WINDOW_BYTES
    assert credit.room(1000 + WINDOW_BYTES) == 0
    assert credit.acknowledge(1500, sent=1000 + WINDOW_BYTES)
    assert credit.room(1000 + WINDOW_BYTES) == 500


def test_drawing_what_was_never_sent_is_refused() -> None:
    credit = Credit(0)
    assert not credit.acknowledge(501, sent=500)
    assert credit.drawn == 0


def test_an_old_acknowledgement_takes_nothing_back() -> None:
    credit = Credit(0)
    credit.acknowledge(400, sent=500)
    assert credit.acknowledge(300, sent=500)
    assert credit.drawn == 400


def test_a_full_window_holds_the_stream_until_the_viewer_stalls() -> None:
    credit = Credit(0)
    assert not credit.holds_back(WINDOW_BYTES - 1, now=0)
    assert credit.holds_back(WINDOW_BYTES, now=10)
    assert credit.holds_back(WINDOW_BYTES, now=10 + STALL_S / 2)
    assert not credit.holds_back(WINDOW_BYTES, now=10 + STALL_S)


def test_a_stalled_viewer_that_draws_again_is_waited_for_again() -> None:
    credit = Credit(0)
    credit.holds_back(WINDOW_BYTES, now=0)
    assert not credit.holds_back(WINDOW_BYTES, now=STALL_S)
    credit.acknowledge(1, sent=WINDOW_BYTES)
    assert credit.holds_back(WINDOW_BYTES + 1, now=STALL_S + 1)


def test_a_stream_is_read_in_small_turns_while_another_is_typed_in() -> None:
    pacing = Pacing()
    assert pacing.turn("flood", now=0) == (FULL_BYTES, 0)
    pacing.typed("typist", now=0)
    assert pacing.turn("flood", now=0.5)[0] == SHARED_BYTES
    assert pacing.turn("typist", now=0.5)[0] == FULL_BYTES
    assert pacing.turn("flood", now=1.5)[0] == FULL_BYTES
