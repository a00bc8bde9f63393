"""When labs end, while the clock is set or isn't."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from runtime.container.bundle import User
from runtime.labs.deadlines import Deadlines
from runtime.labs.state import Lab, LabId, Shape, new_id
from runtime.leaps import Leaps

if TYPE_CHECKING:
    from runtime.labs.limit_news import News

DAY_S = 86400.0
USER = User("learner", 1000, 1000, "/home/learner", "/bin/bash")


class House:
    """Has one lab, and hears what is said in it."""

    def __init__(self, left_s: float) -> None:
        self.ahead_s = 0.0
        self.heard: list[str] = []
        self.is_full = False
        self.lab = Lab(new_id(), Shape("slipway/base"), 1 << 30, USER, until=time.time() + left_s)
        leaps = Leaps(lambda: 0.0, lambda: self.ahead_s)
        self._deadlines = Deadlines(self._hear, self._extend, leaps)

    def is_over(self) -> bool:
        return list(self._deadlines.over([self.lab])) == [self.lab]

    def _hear(self, _: Lab, news: News) -> None:
        self.heard.append(news.what)

    def _extend(self, _: LabId, until: float) -> None:
        self.lab.until = until
        if self.is_full:
            raise OSError("no space is left to keep that")


def test_a_lab_is_warned_before_its_end_and_then_over() -> None:
    house = House(3600)
    assert not house.is_over()
    house.lab.until = time.time() + 100
    assert not house.is_over()
    assert [what.partition(":")[0] for what in house.heard] == ["2 minutes left"]
    house.lab.until = time.time() - 1
    assert house.is_over()


def test_a_leap_to_the_end_of_a_lab_neither_ends_it_nor_says_that_it_ends() -> None:
    house = House(3600)
    assert not house.is_over()
    house.ahead_s, house.lab.until = DAY_S, time.time() - DAY_S + 3600
    house.is_full = True
    assert not house.is_over()
    assert not house.is_over()
    assert 110 < house.lab.until - time.time() <= 120
    assert house.heard == []
