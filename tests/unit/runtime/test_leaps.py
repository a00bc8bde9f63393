"""A clock that is set is noticed; what it would have ended is kept for a warning."""

from __future__ import annotations

import time

import pytest

from runtime.leaps import Leaps, least_until

DAY_S = 86400.0
WARNED_S = 120.0


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize("leap_s", [DAY_S, -3600.0])
def test_a_clock_that_was_set_is_noticed_once(leap_s: float) -> None:
    steady, clock = Hand(), Hand()
    leaps = Leaps(steady, clock)
    steady.at, clock.at = 1500.0, 1501.0  # somebody keeps it
    assert leaps.look() == 0
    clock.at += leap_s
    assert leaps.look() == leap_s
    assert leaps.look() == 0


def test_nothing_ends_by_a_leap_before_it_was_warned() -> None:
    now = time.time()
    had_an_hour = now - DAY_S + 3600
    assert least_until(had_an_hour, DAY_S, WARNED_S) == pytest.approx(now + WARNED_S, abs=5)
    had_a_minute = now - DAY_S + 60
    assert least_until(had_a_minute, DAY_S, WARNED_S) == pytest.approx(now + 60, abs=5)
    still_has_time = now + 3600
    assert least_until(still_has_time, DAY_S, WARNED_S) == still_has_time
