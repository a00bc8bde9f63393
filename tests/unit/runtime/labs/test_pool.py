"""The pool's bookkeeping; the labs in it are names here, since making one needs root."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.container.bundle import User
from runtime.labs.pool import Pool
from runtime.labs.state import Lab, Shape, new_id
from runtime.problems import Problem
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN, OTHER = Shape("slipway/base"), Shape("slipway/other")
USER = User("learner", 1000, 1000, "/home/learner", "/bin/bash")


class Maker:
    """Makes labs that are only records, or refuses to."""

    def __init__(self) -> None:
        self.living: list[Lab] = []
        self.is_full = False
        self.is_broken = False

    def make(self, shape: Shape) -> Lab | None:
        if self.is_broken:
            raise Problem("container-start", "The container did not start.")
        if self.is_full:
            return None
        self.living.append(Lab(new_id(), shape, 0, USER))
        return self.living[-1]


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def pool(maker: Maker) -> Iterator[Pool]:
    made = Pool(maker.make, maker.living.remove, lambda: None)
    made.start()
    yield made
    made.stop()


def test_a_pool_is_filled_and_refilled(pool: Pool, maker: Maker) -> None:
    pool.want({PLAIN: 2})
    wait_for(lambda: pool.size() == 2, "two labs")
    taken = pool.claim(PLAIN)
    assert taken in maker.living
    wait_for(lambda: pool.size() >= 2 and len(maker.living) >= 3, "one more")


def test_a_shape_that_nobody_wants_any_more_is_dropped(pool: Pool, maker: Maker) -> None:
    pool.want({PLAIN: 2})
    wait_for(lambda: pool.size() == 2, "two labs")
    pool.want({OTHER: 1})
    wait_for(lambda: [lab.shape for lab in maker.living] == [OTHER], "one of the other shape")


def test_nothing_stands_ready_of_a_shape_not_wanted(pool: Pool) -> None:
    assert pool.claim(PLAIN) is None


def test_a_full_server_fills_its_pool_when_a_place_is_free(pool: Pool, maker: Maker) -> None:
    maker.is_full = True
    pool.want({PLAIN: 1})
    maker.is_full = False
    pool.look_again()
    wait_for(lambda: pool.size() == 1, "a lab")


def test_a_lab_that_cannot_be_made_does_not_end_the_pool(pool: Pool, maker: Maker) -> None:
    maker.is_broken = True
    pool.want({PLAIN: 1})
    maker.is_broken = False
    pool.look_again()
    wait_for(lambda: pool.size() == 1, "a lab")


def test_a_learner_who_needs_room_gets_that_of_another_shape(pool: Pool, maker: Maker) -> None:
    pool.want({PLAIN: 1})
    wait_for(lambda: pool.size() == 1, "a lab")
    maker.is_full = True
    pool.give_way(OTHER)
    assert pool.size() == 0
    assert maker.living == []


def test_a_pool_tells_what_is_wanted_and_what_is_there(pool: Pool) -> None:
    pool.want({PLAIN: 1})
    wait_for(lambda: pool.size() == 1, "a lab")
    described = pool.describe()
    assert [(each["image"], each["count"], each["ready"]) for each in described] == [
        ("slipway/base", 1, 1)
    ]


def test_a_pool_follows_the_joins_and_gives_back_what_nobody_takes(maker: Maker) -> None:
    pool = Pool(maker.make, maker.living.remove, lambda: None, joins_s=0.5)
    pool.start()
    try:
        pool.want({PLAIN: 1})
        wait_for(lambda: pool.size() == 1, "one lab")
        for _ in range(3):
            pool.claim(PLAIN)
        wait_for(lambda: pool.size() == 4, "one for each that joined, and one")
        wait_for(lambda: pool.size() == 1, "one lab, when nobody joins any more")
    finally:
        pool.stop()


def test_joins_of_a_shape_that_is_not_wanted_make_no_lab(pool: Pool, maker: Maker) -> None:
    pool.want({PLAIN: 1})
    pool.claim(OTHER)
    wait_for(lambda: pool.size() == 1, "one lab")
    assert [lab.shape for lab in maker.living] == [PLAIN]
