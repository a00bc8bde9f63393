"""Who needs the instructor, and which reason the tile says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.unit.webapp.workshops.lesson_of_two import lesson, step
from webapp.models.base import LearnerId, WorkshopId
from webapp.models.events import Event
from webapp.models.people import Learner
from webapp.workshops.needs import Seen, State, need_of
from webapp.workshops.standing import Standings

if TYPE_CHECKING:
    from webapp.workshops.needs import Need

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
HERE = Seen(START)
OTTER, HERON, LYNX = LearnerId(1), LearnerId(2), LearnerId(3)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


class Class:
    """Otter, heron and lynx have joined; each does what a test says, at a minute."""

    def __init__(self) -> None:
        self.standings = Standings([lesson(step("one"), step("two"))])
        learners = [
            Learner(id=each, workshop_id=WorkshopId(1), name="x", name_key="x", joined_at=START)
            for each in (OTTER, HERON, LYNX)
        ]
        self.standings.take(learners, [])

    def did(
        self, who: LearnerId, minute: float, kind: str, of: str | None = "one", **payload: object
    ) -> None:
        step_id = f"lesson/{of}" if of else None
        event = Event(learner_id=who, at=after(minute), type=kind, step=step_id, payload=payload)
        self.standings.take([], [event])

    def need(self, minute: float, seen: Seen = HERE, who: LearnerId = OTTER) -> Need:
        here = self.standings.of[who].here
        if here is not None:
            seen = replace(
                seen,
                median_s=self.standings.median_s(here.step),
                has_class_moved_on=self.standings.has_moved_on(here.step, who),
            )
        return need_of(self.standings.of[who], seen, after(minute))


@pytest.fixture
def room() -> Class:
    made = Class()
    made.did(OTTER, 0, "opened")
    return made


def test_who_has_just_begun_is_at_work_for_as_long(room: Class) -> None:
    need = room.need(2)
    assert (need.state, need.text, need.since) == (State.WORKING, "{min} min", START)


def test_the_same_check_failed_three_times_is_stuck_and_says_how_often(room: Class) -> None:
    for minute in (1, 2):
        room.did(OTTER, minute, "checked", passed=False)
    assert room.need(2).state is State.WORKING
    for minute in (3, 4):
        room.did(OTTER, minute, "checked", passed=False)
    need = room.need(4)
    assert (need.state, need.text) == (State.STUCK, "Same check failed 4 times")
    assert need.since == after(3)


def test_failures_of_two_checks_or_with_a_pass_between_do_not_add_up(room: Class) -> None:
    for _ in range(2):
        room.did(OTTER, 1, "checked", passed=False)
        room.did(OTTER, 1, "answered", question="whose", passed=False)
    assert room.need(1).state is State.WORKING
    room.did(OTTER, 1, "answered", question="whose", passed=True)
    room.did(OTTER, 1, "answered", question="whose", passed=False)
    assert room.need(1).state is State.WORKING


def test_another_step_begins_anew(room: Class) -> None:
    for _ in range(3):
        room.did(OTTER, 1, "checked", passed=False)
    room.did(OTTER, 2, "opened", "two")
    assert room.need(2).state is State.WORKING


def test_a_check_that_broke_is_told_and_is_no_failure(room: Class) -> None:
    room.did(OTTER, 1, "checked", passed=False, broke=True)
    assert room.need(1).text == "Its check broke"


def test_every_hint_open_and_not_passed_is_stuck(room: Class) -> None:
    room.did(OTTER, 1, "pressed", name="hint-1")
    assert room.need(1).state is State.WORKING
    room.did(OTTER, 2, "pressed", name="hint-2")
    assert room.need(2).text == "Opened every hint"
    room.did(OTTER, 3, "checked", passed=True)
    assert room.need(3).state is State.WORKING


@pytest.mark.parametrize(
    ("took", "minutes", "is_stuck"), [(2, 7.9, False), (2, 8.1, True), (5, 9, False), (5, 11, True)]
)
def test_twice_the_median_and_over_eight_minutes_is_stuck(
    room: Class, took: float, minutes: float, is_stuck: bool
) -> None:
    for who in (HERON, LYNX):
        room.did(who, 0, "opened")
        room.did(who, took, "checked", passed=True)
    need = room.need(minutes, replace(HERE, typed_at=after(minutes)))
    assert (need.state is State.STUCK) is is_stuck
    assert is_stuck is (need.text == "{min} min on this step")


def test_nobody_is_slow_where_nobody_has_passed(room: Class) -> None:
    assert room.need(60, replace(HERE, typed_at=after(60))).state is State.WORKING


def test_five_minutes_without_a_key_count_only_once_the_class_has_moved_on(room: Class) -> None:
    room.did(HERON, 1, "opened", "two")
    assert room.need(6).state is State.IDLE
    room.did(LYNX, 1, "opened", "two")
    assert room.need(4.9).state is State.IDLE
    need = room.need(6)
    assert (need.state, need.text) == (State.STUCK, "Nothing typed for {min} min")
    assert room.need(6, replace(HERE, typed_at=after(5))).state is State.WORKING


def test_a_limit_needs_somebody_for_five_minutes(room: Class) -> None:
    for minute in (1, 2):
        room.did(OTTER, minute, "limited", None, limit="memory")
    need = room.need(3)
    assert (need.state, need.text) == (State.LIMIT, "Reached the memory limit")
    assert need.detail == "2 times in 5 min"
    assert room.need(4.9).since == after(2)
    assert room.need(7.1).state is State.IDLE
    room.did(OTTER, 8, "limited", None, limit="cpu")  # it runs on, slower
    assert room.need(8).state is State.WORKING


def test_who_closed_the_page_is_away_after_two_minutes(room: Class) -> None:
    gone = replace(HERE, is_here=False, left_at=after(3))
    assert room.need(4, gone).state is not State.AWAY
    need = room.need(10, gone)
    assert (need.state, need.since) == (State.AWAY, after(3))
    assert need.detail == "browser closed; lab runs on"


def test_nobody_is_away_until_a_server_that_began_anew_could_have_seen_them(room: Class) -> None:
    unseen = replace(HERE, is_here=False, known_since=after(20))
    assert room.need(21, unseen).state is State.IDLE
    assert room.need(22, unseen).state is State.AWAY


def test_who_has_passed_everything_is_finished_wherever_they_are(room: Class) -> None:
    for name in ("one", "two"):
        room.did(OTTER, 1, "checked", name, passed=True)
    assert room.need(90, replace(HERE, is_here=False)).state is State.DONE


def test_who_waits_for_a_lab_is_in_line(room: Class) -> None:
    assert room.need(30, replace(HERE, is_in_line=True)).state is State.WAITING
