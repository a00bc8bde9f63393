"""Tries are judged, and each becomes one event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.webapp.conftest import MemoryEngine
from tests.unit.webapp.workshops.lesson_of_two import NUMBER, WHOSE, lesson, step
from webapp.models.events import events_of
from webapp.problems import Problem
from webapp.workshops.checking import Checking, Seat
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring

FOUND_TWO = "Expected: 1 process\nFound: 2: `41`, `57`\nTry: kill 57, then check again.\n"


class JudgingEngine(MemoryEngine):
    """Says of every check what the test wants: a code and its words, or a Problem."""

    def __init__(self) -> None:
        super().__init__()
        self.code = 0
        self.stdout = ""
        self.problem: Problem | None = None
        self.facts: Mapping[str, Any] = {}

    def lab_check(
        self,
        lab: str,
        script: str,
        facts: Mapping[str, Any] | None = None,
        timeout_s: float = 10,
        *,
        where: str = "container",
    ) -> dict[str, Any]:
        self.asked.append({"lab": lab, "script": script, "timeout_s": timeout_s, "where": where})
        self.facts = facts or {}
        if self.problem is not None:
            raise self.problem
        return {"code": self.code, "stdout": self.stdout, "stderr": "", "ms": 1}


@pytest.fixture
def engine() -> JudgingEngine:
    return JudgingEngine()


@pytest.fixture
def checking(parts: Wiring) -> Checking:
    return Checking(parts.database, parts.engine)


@pytest.fixture
def seat(parts: Wiring, workshop: Workshop) -> Seat:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    taught = lesson(step("one", WHOSE, NUMBER), step("two"), step("three", check=False))
    return Seat(learner.id, taught, taught.steps[0], "0000000a")


def kept(parts: Wiring, seat: Seat) -> list[tuple[str, dict[str, Any]]]:
    with parts.database.read() as session:
        events = events_of(session, seat.learner_id)
    return [(each.type, each.payload) for each in events if each.step is not None]


def test_a_failed_check_says_expected_found_and_try(
    parts: Wiring, checking: Checking, seat: Seat, engine: JudgingEngine
) -> None:
    engine.code, engine.stdout = 1, FOUND_TWO
    verdict = checking.check(seat)
    assert not verdict.passed
    assert not verdict.broke
    assert (verdict.expected, verdict.found) == ("1 process", "2: `41`, `57`")
    assert verdict.as_wire()["try"] == "kill 57, then check again."
    ((kind, payload),) = kept(parts, seat)
    assert kind == "checked"
    assert payload["passed"] is False
    assert payload["title"] == "A `sleep` runs"


@pytest.mark.parametrize(
    ("code", "stdout"), [(2, ""), (127, "Found: nothing"), (1, ""), (-9, FOUND_TWO)]
)
def test_a_check_that_breaks_is_not_the_learners_mistake(
    code: int, stdout: str, checking: Checking, seat: Seat, engine: JudgingEngine
) -> None:
    engine.code, engine.stdout = code, stdout
    verdict = checking.check(seat)
    assert verdict.broke
    assert not verdict.passed


def test_a_check_that_times_out_is_broken_and_kept_as_that(
    parts: Wiring, checking: Checking, seat: Seat, engine: JudgingEngine
) -> None:
    engine.problem = Problem("check-timed-out", "The check took longer than 5 s.")
    assert checking.check(seat).broke
    ((_, payload),) = kept(parts, seat)
    assert payload["broke"] is True


def test_a_runtime_that_is_away_is_said_and_nothing_is_kept(
    parts: Wiring, checking: Checking, seat: Seat, engine: JudgingEngine
) -> None:
    engine.problem = Problem("runtime-away", "The runtime does not answer.")
    with pytest.raises(Problem, match="does not answer"):
        checking.check(seat)
    assert kept(parts, seat) == []


def test_a_step_is_done_when_the_last_question_is_right(checking: Checking, seat: Seat) -> None:
    assert not checking.check(seat).is_step_done
    assert not checking.answer(seat, "whose", 1).is_step_done
    verdict = checking.answer(seat, "number", " 41 ")
    assert verdict.is_step_done
    assert verdict.next_step == "two"
    assert verdict.summary == "3 tries"


def test_a_wrong_choice_says_why_and_can_be_mended(checking: Checking, seat: Seat) -> None:
    wrong = checking.answer(seat, "whose", 0)
    assert not wrong.passed
    assert wrong.title == "Whose kernel?"
    assert wrong.attempt == "There is only one."
    assert checking.answer(seat, "whose", "1").found == "One for all."


def test_a_measured_answer_reaches_the_script_as_it_was_typed(
    checking: Checking, seat: Seat, engine: JudgingEngine
) -> None:
    checking.press(seat, "c-1")
    checking.press(seat, "c-1")
    checking.answer(seat, "number", " 41 ")
    assert engine.facts == {"answers": {"number": "41"}, "presses": ["c-1"]}


@pytest.mark.parametrize("value", [2, -1, "x", ""])
def test_an_answer_that_is_no_choice_is_refused(
    value: int | str, parts: Wiring, checking: Checking, seat: Seat
) -> None:
    with pytest.raises(Problem) as caught:
        checking.answer(seat, "whose", value)
    assert caught.value.code == "answer-unfit"
    assert kept(parts, seat) == []


def test_what_looks_into_a_lab_says_so_when_there_is_none(checking: Checking, seat: Seat) -> None:
    without = Seat(seat.learner_id, seat.lesson, seat.step)
    with pytest.raises(Problem) as caught:
        checking.check(without)
    assert caught.value.code == "lab-none"
    with pytest.raises(Problem) as caught:
        checking.answer(without, "number", 1)
    assert caught.value.code == "lab-none"


def test_looking_at_the_same_step_again_is_one_event(
    parts: Wiring, checking: Checking, seat: Seat
) -> None:
    checking.open_step(seat)
    progress = checking.open_step(seat)
    assert progress.of(seat.step).opened_at is not None
    assert [kind for kind, _ in kept(parts, seat)] == ["opened"]


def test_skipping_is_kept_and_leads_on(parts: Wiring, checking: Checking, seat: Seat) -> None:
    assert checking.skip(seat) == "two"
    assert [kind for kind, _ in kept(parts, seat)] == ["skipped"]
