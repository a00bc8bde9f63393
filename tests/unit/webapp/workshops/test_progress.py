"""Progress is read from events alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.unit.webapp.workshops.lesson_of_two import NUMBER, WHOSE, lesson, step
from webapp.models.events import Event
from webapp.workshops.progress import progress_of

if TYPE_CHECKING:
    from webapp.workshops.progress import StepProgress

START = datetime(2026, 1, 1, 9, tzinfo=UTC)


class Story:
    """What one learner did, a second after the other."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def did(self, kind: str, name: str = "one", /, **payload: object) -> Story:
        at = START + timedelta(seconds=len(self.events))
        self.events.append(Event(type=kind, step=f"lesson/{name}", payload=payload, at=at))
        return self

    def first(self, *questions_step: object) -> StepProgress:
        steps = questions_step or (step("one"),)
        return progress_of(self.events, lesson(*steps)).steps[0]  # type: ignore[arg-type]


def test_a_pass_is_not_taken_back_by_a_later_failure() -> None:
    story = Story().did("opened").did("checked", passed=True).did("checked", passed=False)
    standing = story.first()
    assert standing.is_passed
    assert not standing.is_failed
    assert standing.tries == 2


def test_a_check_that_broke_is_neither_a_try_nor_a_failure() -> None:
    standing = Story().did("checked", passed=False, broke=True).first()
    assert not standing.is_passed
    assert not standing.is_failed
    assert standing.tries == 0


def test_a_step_is_passed_when_check_and_questions_are() -> None:
    one = step("one", WHOSE)
    story = Story().did("checked", passed=True)
    assert not story.first(one).is_passed
    story.did("answered", question="whose", value=1, passed=True)
    assert story.first(one).is_passed
    assert story.first(one).counts() == (2, 2)


def test_a_step_that_asks_nothing_is_passed_by_looking() -> None:
    quiet = step("one", check=False)
    assert not Story().first(quiet).is_passed
    assert Story().did("opened").first(quiet).is_passed


def test_the_current_step_is_the_first_open_one_and_never_an_extra() -> None:
    steps = (step("one"), step("two", is_extra=True), step("three"))
    story = Story().did("checked", passed=True)
    assert progress_of(story.events, lesson(*steps)).current.name == "three"
    story.did("skipped", "three")
    assert progress_of(story.events, lesson(*steps)).current.name == "three"
    assert progress_of([], lesson(*steps)).current.name == "one"


def test_a_check_hears_this_steps_answers_and_presses_only() -> None:
    story = Story().did("pressed", name="c-1").did("pressed", name="c-1")
    story.did("answered", question="number", value="41", passed=True)
    story.did("pressed", "two", name="c-2")
    standing = story.first(step("one", NUMBER), step("two"))
    assert standing.facts() == {"answers": {"number": "41"}, "presses": ["c-1"]}


def test_the_summary_says_time_tries_and_hints() -> None:
    story = Story().did("opened").did("pressed", name="hint-1").did("checked", passed=False)
    assert story.first().summary == ""
    story.did("checked", passed=True)
    assert story.first().summary == "in 0:03, 2 tries, 1 hint"
