"""Who may what: ada teaches ben and chi, tess helps her, mallory teaches elsewhere; olga owns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from webapp.access import (
    NOBODY,
    Visitor,
    may_help,
    may_invite,
    may_learn,
    may_open,
    may_teach,
    may_type,
    may_watch,
)
from webapp.models.base import LearnerId, PersonId, WorkshopId, now
from webapp.models.people import Learner, Person, Role
from webapp.models.workshops import Workshop


def workshop(number: int, opened_by: int | None, minutes: int = 60) -> Workshop:
    return Workshop(
        id=WorkshopId(number),
        opened_by=None if opened_by is None else PersonId(opened_by),
        starts_at=now() - timedelta(minutes=1),
        ends_at=now() + timedelta(minutes=minutes),
        extra_minutes=0,
    )


CLASS = workshop(1, opened_by=1)
OVER = workshop(2, opened_by=1, minutes=-1)
ADA = Visitor(person=Person(id=PersonId(1), role=Role.INSTRUCTOR))
MALLORY = Visitor(person=Person(id=PersonId(2), role=Role.INSTRUCTOR))
OLGA = Visitor(person=Person(id=PersonId(3), role=Role.OWNER))
TESS = Visitor(Person(id=PersonId(4), role=Role.ASSISTANT), assists=frozenset({WorkshopId(1)}))
GRACE = Visitor(Person(id=PersonId(5), role=Role.INSTRUCTOR), assists=frozenset({WorkshopId(1)}))
BEN = Visitor(learner=Learner(id=LearnerId(1), extra_minutes=0), workshop=CLASS)
CHI = Visitor(learner=Learner(id=LearnerId(2), extra_minutes=0), workshop=CLASS)
LATE = Visitor(learner=Learner(id=LearnerId(1), extra_minutes=0), workshop=OVER)


@pytest.mark.parametrize(
    ("visitor", "types", "watches"),
    [
        (BEN, True, True),
        (CHI, False, False),
        (ADA, False, True),
        (MALLORY, False, False),
        (OLGA, False, True),
        (TESS, False, True),
        (LATE, False, False),
        (NOBODY, False, False),
    ],
)
def test_only_its_learner_types_into_a_lab_and_only_their_instructor_watches(
    visitor: Visitor, types: bool, watches: bool
) -> None:
    assert may_type(visitor, "learner-1") is types
    assert may_watch(visitor, "learner-1", CLASS) is watches


def test_a_lab_of_no_workshop_is_watched_by_nobody() -> None:
    assert not may_watch(ADA, "benchmark-1", None)


def test_a_workshop_that_nobody_opened_is_every_instructor_s() -> None:
    anyone_s = workshop(3, opened_by=None)
    assert may_teach(ADA, anyone_s)
    assert may_teach(MALLORY, anyone_s)
    assert not may_teach(MALLORY, CLASS)
    assert not may_teach(BEN, anyone_s)


@pytest.mark.parametrize(
    ("visitor", "invites", "opens", "leads", "helps"),
    [
        (OLGA, True, True, True, True),
        (ADA, False, True, True, True),
        (MALLORY, False, True, False, False),
        (GRACE, False, True, False, True),
        (TESS, False, False, False, True),
        (BEN, False, False, False, False),
        (NOBODY, False, False, False, False),
    ],
)
def test_each_role_may_what_its_row_says(
    visitor: Visitor, invites: bool, opens: bool, leads: bool, helps: bool
) -> None:
    may = (may_invite(visitor), may_open(visitor), may_teach(visitor, CLASS))
    assert (*may, may_help(visitor, CLASS)) == (invites, opens, leads, helps)


def test_an_assistant_leads_nothing_that_they_opened_when_they_were_an_instructor() -> None:
    was = Visitor(Person(id=PersonId(1), role=Role.ASSISTANT))
    assert not may_teach(was, CLASS)
    assert not may_help(was, workshop(3, opened_by=None))


def test_learning_ends_with_the_workshop() -> None:
    assert may_learn(BEN)
    assert not may_learn(LATE)
    assert not may_learn(ADA)
