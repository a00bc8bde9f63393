"""The server's clock is set while a class works."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runtime.client import Leaps
from webapp.models.base import now
from webapp.models.workshops import Workshop
from webapp.problems import Problem, disk_full
from webapp.sockets.rights import Rights
from webapp.workshops.joining import join
from webapp.workshops.leaping import Leaping
from webapp.workshops.opening import Plan, open_workshop

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.wiring import Wiring

DAY = timedelta(days=1)


@pytest.fixture
def workshop(parts: Wiring) -> Workshop:
    """One whose server has asked which labs there are."""
    parts.labs.refresh()
    return open_workshop(parts.database, parts.library, Plan(("00-your-terminal",)))


def leap(parts: Wiring, workshop: Workshop, by: timedelta) -> None:
    """As the database looks to whoever reads it after the clock was set, and what follows it."""
    set_clock(parts, workshop, by).follow()
    parts.clock.tick()


def set_clock(parts: Wiring, workshop: Workshop, by: timedelta) -> Leaping:
    behind_s = 0.0
    leaping = Leaping(parts.database, parts.labs, parts.news, Leaps(lambda: time.time() - behind_s))
    with parts.database.write() as session:
        kept = session.get_one(Workshop, workshop.id)
        kept.starts_at, kept.ends_at = kept.starts_at - by, kept.ends_at - by
        kept.paused_at = kept.paused_at and kept.paused_at - by
    behind_s = by.total_seconds()
    return leaping


def assert_same_end(parts: Wiring, workshop: Workshop) -> None:
    with parts.database.read() as session:
        kept = session.get_one(Workshop, workshop.id)
    assert abs(kept.ends_at - workshop.ends_at) < timedelta(minutes=1)


@pytest.mark.parametrize("by", [DAY, timedelta(hours=-1)], ids=["forward", "back"])
def test_a_class_keeps_the_time_that_it_had(
    parts: Wiring, engine: MemoryEngine, workshop: Workshop, by: timedelta
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    leap(parts, workshop, by)
    with parts.database.read() as session:
        kept = session.get_one(Workshop, workshop.id)
    assert kept.is_open
    for found, was in ((kept.starts_at, workshop.starts_at), (kept.ends_at, workshop.ends_at)):
        assert abs(found - was) < timedelta(minutes=1)
    assert kept.overran_at is None
    assert engine.extended[learner.lab_key] == kept.ends_at.timestamp()


def test_a_leap_that_could_not_be_followed_is_followed_later(
    parts: Wiring, workshop: Workshop
) -> None:
    leaping = set_clock(parts, workshop, DAY)
    refusals = [disk_full()]

    def refuse_once(_: Session) -> None:
        if refusals:
            raise refusals.pop()

    parts.database.write_along(refuse_once)
    with pytest.raises(Problem):
        leaping.follow()
    for _ in range(2):
        leaping.follow()
        assert_same_end(parts, workshop)


def test_rights_are_compared_with_where_a_class_ends_by_the_clock_that_was_set(
    parts: Wiring, workshop: Workshop
) -> None:
    rights = Rights(replace(parts, leaping=set_clock(parts, workshop, DAY)))
    with pytest.raises(Problem, match="terminals"):  # no pump runs here
        rights.compare()
    with parts.database.read() as session:
        assert session.get_one(Workshop, workshop.id).is_open


def test_a_class_that_is_paused_goes_on_with_what_it_had(parts: Wiring, workshop: Workshop) -> None:
    parts.pausing.pause(workshop.id, "ada")
    leap(parts, workshop, DAY)
    parts.pausing.go_on(workshop.id)
    assert_same_end(parts, workshop)


def test_one_that_has_yet_to_begin_begins_when_somebody_said(
    parts: Wiring, workshop: Workshop
) -> None:
    with parts.database.write() as session:
        kept = session.get_one(Workshop, workshop.id)
        kept.starts_at, kept.ends_at = now() + 2 * DAY, now() + 3 * DAY
        said = kept.starts_at
    leap(parts, workshop, DAY)
    with parts.database.read() as session:
        assert session.get_one(Workshop, workshop.id).starts_at == said - DAY


def test_a_class_whose_end_was_slept_through_gets_15_minutes_from_now(
    parts: Wiring, workshop: Workshop
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).ends_at = now() - timedelta(hours=8)
    parts.clock.tick()
    parts.clock.tick()
    with parts.database.read() as session:
        kept = session.get_one(Workshop, workshop.id)
    assert kept.is_over_time
    assert kept.ends_at > now() + timedelta(minutes=14)
