"""A fresh lab, as the step begins: who sees what, and what is run in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from webapp.models.events import events_of
from webapp.models.people import Learner
from webapp.workshops.beginning import script_of
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.progress import progress_of
from webapp.workshops.resetting import Resetting

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.lesson_format.model import Lesson
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item

NAME = "00-your-terminal"


@pytest.fixture
def otter(parts: Wiring) -> tuple[Learner, Workshop]:
    """One who has a lab."""
    workshop = open_workshop(parts.database, parts.library, Plan((NAME,)))
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    with parts.database.read() as session:
        return session.get_one(Learner, learner.id), workshop


def reset(parts: Wiring, otter: tuple[Learner, Workshop], step: str) -> list[Item]:
    """Reset their lab; what was told meanwhile."""
    heard: list[Item] = []
    parts.news.listen(heard.append)
    lesson: Lesson = parts.library.lessons[NAME]
    found = lesson.step(step)
    assert found
    resetting = Resetting(parts.database, parts.engine, parts.labs, parts.news)
    resetting.reset(*otter, lesson, found)
    return heard


def test_a_reset_lab_is_another_one_with_the_commands_of_earlier_steps(
    parts: Wiring, engine: MemoryEngine, otter: tuple[Learner, Workshop]
) -> None:
    learner, _ = otter
    before = parts.labs.of(learner.id)
    assert before
    heard = reset(parts, otter, "04-yours-only")
    after = parts.labs.of(learner.id)
    assert after
    assert after["lab"] != before["lab"]
    assert engine.prepared == [(after["lab"], script_of(("whoami", "date")), "container")]
    assert [item.kind for item in heard] == ["lab", "lab", "lab", "reset"]
    assert heard[-1].facts["done"] is True
    with parts.database.read() as session:
        assert events_of(session, learner.id)[-1].type == "reset"


def test_nobody_works_in_a_lab_that_is_being_reset(
    parts: Wiring, otter: tuple[Learner, Workshop]
) -> None:
    learner, _ = otter
    seen = []
    with parts.labs.renewing(*otter, lambda: None):
        seen.append(parts.line.place_of(learner.id))
        assert parts.labs.of(learner.id) is None
        with (
            pytest.raises(Problem, match="no container yet"),
            parts.labs.renewing(*otter, lambda: None),
        ):
            pass
    seen.append(parts.line.place_of(learner.id))
    assert [place.state for place in seen] == ["making", "ready"]


def test_the_end_of_the_lab_that_was_replaced_is_no_news(
    parts: Wiring, otter: tuple[Learner, Workshop]
) -> None:
    learner, _ = otter
    before = parts.labs.of(learner.id)
    assert before
    heard = reset(parts, otter, "01-a-prompt")
    ended = {"type": "lab.ended", "lab": before["lab"], "reason": "replaced", "seq": 1}
    parts.labs.heard(ended)
    assert [item.facts for item in heard if item.kind == "lab"] == [{}, {}]
    assert parts.labs.of(learner.id) is not None


def test_a_reset_that_takes_too_long_or_fails_says_so(
    parts: Wiring, engine: MemoryEngine, otter: tuple[Learner, Workshop]
) -> None:
    engine.is_late = True
    late = reset(parts, otter, "04-yours-only")[-1]
    assert (late.facts["done"], "longer than two minutes" in late.facts["sentence"]) == (
        False,
        True,
    )
    engine.is_away = True
    failed = reset(parts, otter, "04-yours-only")[-1]
    assert failed.facts == {
        "done": False,
        "sentence": "The runtime is away. It comes back by itself.",
    }


def test_who_is_brought_to_a_step_sees_how_far_their_new_lab_is_and_goes_there(
    parts: Wiring, otter: tuple[Learner, Workshop]
) -> None:
    learner, workshop = otter
    before = parts.labs.of(learner.id)
    heard: list[Item] = []
    told = []

    def hear(item: Item) -> None:
        heard.append(item)
        told.append(parts.line.place_of(item.learner_id).sentence)

    parts.news.listen(hear)
    lesson, step = parts.pacing.find(learner, workshop, f"{NAME}/04-yours-only")
    parts.resetting.bring(learner, workshop, lesson, step, "ada")
    assert "is being set up as this step begins. 1 of 2 commands are done." in told[1]
    assert heard[-1].kind == "brought"
    assert heard[-1].facts == {"step": f"{NAME}/04-yours-only", "by": "ada"}
    after = parts.labs.of(learner.id)
    assert after != before
    with parts.database.read() as session:
        progress = progress_of(events_of(session, learner.id), lesson)
    assert progress.current is step
