"""Who comes when the class is at a step already."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from tests.waiting import wait_for, wait_for_threads
from webapp.models.events import events_of
from webapp.models.people import Learner
from webapp.problems import Problem
from webapp.wiring import wire
from webapp.workshops.beginning import script_of
from webapp.workshops.forgetting import forget_learner
from webapp.workshops.joining import join
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.progress import goes_on_in, progress_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.webapp.conftest import MemoryEngine
    from webapp.models.base import LearnerId
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item
    from webapp.workshops.queue import Place

NAME = "00-your-terminal"
STEP = f"{NAME}/04-yours-only"
# A web that is killed takes its threads along, and none of them has a last word.
killed = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def opened(parts: Wiring) -> Workshop:
    """A workshop of one lesson, whose server has asked which labs there are."""
    parts.labs.refresh()
    return open_workshop(parts.database, parts.library, Plan((NAME,)))


def come(parts: Wiring, workshop: Workshop, name: str) -> LearnerId:
    return join(parts.database, workshop.code, name, name)[0].id


def kept(parts: Wiring, learner_id: LearnerId) -> Learner:
    with parts.database.read() as session:
        return session.get_one(Learner, learner_id)


def begins_with(parts: Wiring, learner_id: LearnerId) -> str | None:
    return kept(parts, learner_id).begins_with


def wait_ready(parts: Wiring, learner_id: LearnerId) -> None:
    wait_for(lambda: parts.line.place_of(learner_id).state == "ready", "a lab to work in")
    wait_for(lambda: begins_with(parts, learner_id) is None, "that it was kept")


def test_who_joins_later_begins_where_the_class_is_in_a_lab_set_up_for_it(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    parts.pacing.bring(opened.id, STEP, "ada")
    late = come(parts, opened, "late")
    told: list[str] = []

    def hear(item: Item) -> None:
        if item.kind == "lab":
            told.append(parts.line.place_of(item.learner_id).sentence)

    parts.news.listen(hear)
    assert parts.line.place_of(late).state == "making"
    wait_ready(parts, late)
    assert [each for each in told if "1 of 2 commands are done" in each]
    assert len(engine.asked) == 1
    lab = parts.labs.of(late)
    assert lab
    assert engine.prepared == [(lab["lab"], script_of(("whoami", "date")), "container")]
    with parts.database.read() as session:
        events = events_of(session, late)
    progress = goes_on_in([progress_of(events, parts.library.lessons[NAME])], events)
    assert progress.current.id == STEP
    assert [each.is_skipped for each in progress.steps[:3]] == [True] * 3


def test_who_has_a_lab_keeps_it_and_who_has_none_yet_gets_one_that_is_set_up(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    here, away = come(parts, opened, "here"), come(parts, opened, "away")
    parts.line.place_of(here)
    parts.pacing.bring(opened.id, STEP, "ada")
    assert [begins_with(parts, each) for each in (here, away)] == [None, STEP]
    parts.line.place_of(away)
    wait_ready(parts, away)
    assert parts.line.place_of(here).state == "ready"
    lab = parts.labs.of(away)
    assert lab
    assert [name for name, *_ in engine.prepared] == [lab["lab"]]


@pytest.mark.parametrize("all_", [True, False])
def test_one_who_is_brought_while_their_lab_is_made_gets_it_set_up(
    parts: Wiring,
    engine: MemoryEngine,
    opened: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    *,
    all_: bool,
) -> None:
    just = come(parts, opened, "just")
    create = engine.lab_create

    def bring(*, key: str, **args: object) -> dict[str, Any]:
        lab = create(key=key, **args)
        monkeypatch.setattr(engine, "lab_create", create)
        if all_:
            parts.pacing.bring(opened.id, STEP, "ada")
        else:
            assert parts.pacing.bring_in(just, STEP, "ada")
        return lab

    monkeypatch.setattr(engine, "lab_create", bring)
    assert parts.line.place_of(just).state == "making"
    wait_ready(parts, just)
    lab = parts.labs.of(just)
    assert lab
    assert [name for name, *_ in engine.prepared] == [lab["lab"]]
    assert not parts.pacing.bring_in(just, STEP, "ada")  # who has one keeps their work, or is reset
    assert begins_with(parts, just) is None


def test_one_who_is_brought_as_two_pages_ask_for_their_lab_gets_it_set_up_once(
    parts: Wiring, engine: MemoryEngine, opened: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    just = come(parts, opened, "just")
    create, pages = engine.lab_create, threading.Barrier(2)

    def bring(*, key: str, **args: object) -> dict[str, Any]:
        if pages.wait(10) == 0:
            monkeypatch.setattr(engine, "lab_create", create)
            parts.pacing.bring(opened.id, STEP, "ada")
        pages.wait(10)
        return create(key=key, **args)

    monkeypatch.setattr(engine, "lab_create", bring)
    with ThreadPoolExecutor() as both:
        places = both.map(parts.line.place_of, [just, just])
    assert {place.state for place in places} <= {"making", "ready"}
    wait_ready(parts, just)
    assert len(engine.prepared) == 1


def test_who_waits_since_a_step_before_begins_where_the_class_is_now(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    parts.pacing.bring(opened.id, STEP, "ada")
    late = come(parts, opened, "late")
    engine.lab_create(key=kept(parts, late).lab_key)  # it is being made as the class goes on
    parts.labs.refresh()
    further = parts.pacing.steps_of(opened)[-1].id
    parts.pacing.bring(opened.id, further, "ada")
    assert begins_with(parts, late) == further


def test_one_who_is_deleted_while_their_lab_is_made_holds_nobody_up(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    parts.pacing.bring(opened.id, STEP, "ada")
    late = come(parts, opened, "late")
    learner = kept(parts, late)
    web_path = parts.settings.web_path
    forget_learner(parts.database, parts.labs, parts.news, parts.classes, web_path, learner)
    parts.labs.hold(learner, opened, lambda: None)
    parts.news.tell("seated", late, held=True)
    wait_for(lambda: parts.labs.renewal_of(late) is None, "that nobody is held")
    assert parts.labs.of(late) is None
    assert engine.prepared == []


def test_newcomers_begin_at_the_start_again_when_that_is_wanted_or_the_class_goes_back(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    steps = parts.pacing.steps_of(opened)
    parts.pacing.bring(opened.id, STEP, "ada")
    early = come(parts, opened, "early")
    parts.pacing.open_to(opened.id, steps[0].id)
    parts.line.place_of(early)  # who joined while the class was there finds that step locked
    wait_ready(parts, early)
    one = come(parts, opened, "one")
    parts.pacing.bring(opened.id, STEP, "ada")
    parts.pacing.begin_at_start(opened.id)
    two = come(parts, opened, "two")
    assert [begins_with(parts, each) for each in (one, two)] == [STEP, None]
    assert engine.prepared == []


def test_a_full_server_puts_a_newcomer_in_line_and_lets_them_in_in_order(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    parts.pacing.bring(opened.id, STEP, "ada")
    engine.room = 0
    first, second = come(parts, opened, "first"), come(parts, opened, "second")
    assert [parts.line.place_of(each).place for each in (first, second)] == [1, 2]
    assert parts.labs.renewal_of(first) is None
    engine.room = 1
    parts.line.move()
    wait_ready(parts, first)
    assert parts.line.place_of(second).place == 1


def test_a_newcomer_in_line_reads_nothing_else_each_time_that_they_are_tried(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    parts.pacing.bring(opened.id, STEP, "ada")
    engine.room = 0
    late = come(parts, opened, "late")
    before = parts.line.place_of(late)
    seen: list[Place] = []

    def look(item: Item) -> None:
        if item.kind == "lab" and parts.labs.renewal_of(late) is not None:
            seen.append(parts.line.place_of(late))

    parts.news.listen(look)
    parts.line.move()
    wait_for_threads("line")
    assert seen == [before]


def test_nothing_is_run_in_a_lab_that_may_have_been_there_before_the_server_began(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    parts.pacing.bring(opened.id, STEP, "ada")
    late = come(parts, opened, "late")
    parts.labs.set_away(is_away=True)
    assert parts.line.place_of(late).state == "away"
    assert engine.asked == []
    engine.lab_create(key=kept(parts, late).lab_key)
    parts.labs.refresh()
    parts.labs.set_away(is_away=False)
    assert parts.line.place_of(late).state == "ready"
    assert engine.prepared == []


@pytest.fixture
def start_anew(parts: Wiring, engine: MemoryEngine) -> Iterator[Callable[[], Wiring]]:
    """Another web, after one that was killed; its clock doesn't run by itself."""
    begun: list[Wiring] = []

    def start() -> Wiring:
        engine.is_cut_off = False
        web = wire(parts.settings, engine)
        begun.append(web)
        web.newcomers.find_cut_off()
        return web

    yield start
    for web in begun:
        web.database.close()


def cut_off(parts: Wiring, engine: MemoryEngine, workshop: Workshop) -> tuple[LearnerId, str]:
    """A late comer and their lab, half set up by a web that is killed in the midst of it."""
    parts.pacing.bring(workshop.id, STEP, "ada")
    late = come(parts, workshop, "late")
    engine.is_cut_off = True
    parts.line.place_of(late)
    wait_for(lambda: engine.prepared, "that it was begun")
    return late, engine.prepared[-1][0]


@killed
def test_a_lab_that_was_half_set_up_as_the_web_was_killed_is_done_anew_by_itself(
    parts: Wiring, engine: MemoryEngine, opened: Workshop, start_anew: Callable[[], Wiring]
) -> None:
    late, half = cut_off(parts, engine, opened)
    web = start_anew()
    assert web.line.place_of(late).state == "making"  # before the runtime was asked
    web.clock.found()
    wait_ready(web, late)
    lab = web.labs.of(late)
    assert lab
    assert lab["lab"] != half
    assert [each[0] for each in engine.prepared] == [half, lab["lab"]]
    again = start_anew()
    again.clock.found()
    assert again.line.place_of(late).lab == lab  # and once is enough


def test_who_was_being_reset_or_brought_as_the_web_was_killed_is_there_afterwards(
    parts: Wiring, engine: MemoryEngine, opened: Workshop, start_anew: Callable[[], Wiring]
) -> None:
    lost = come(parts, opened, "lost")
    parts.line.place_of(lost)
    lesson, step = parts.pacing.find(kept(parts, lost), opened, STEP)
    engine.is_cut_off = True
    with suppress(SystemExit):
        parts.resetting.bring(kept(parts, lost), opened, lesson, step, "ada")
    parts.pausing.pause(opened.id, "ada")
    web = start_anew()
    web.clock.found()
    wait_for_threads("newcomer")
    assert len(engine.prepared) == 1  # nothing is run in a lab that stands still
    parts.pausing.go_on(opened.id)
    web.clock.tick()
    wait_ready(web, lost)
    assert len(engine.prepared) == 2
    with parts.database.read() as session:
        progress = progress_of(events_of(session, lost), lesson)
    assert progress.current is not None
    assert progress.current.id == STEP


@killed
def test_one_whose_lab_or_time_is_over_when_the_web_comes_back_holds_nothing_up(
    parts: Wiring, engine: MemoryEngine, opened: Workshop, start_anew: Callable[[], Wiring]
) -> None:
    late, half = cut_off(parts, engine, opened)
    engine.lab_remove(half)
    web = start_anew()
    web.clock.found()
    wait_for(lambda: web.labs.renewal_of(late) is None, "that nobody is held")
    assert web.line.place_of(late).state == "making"  # as any first one
    wait_ready(web, late)


@killed
def test_a_database_that_fails_for_a_moment_shuts_nobody_out_for_ever(
    parts: Wiring, engine: MemoryEngine, opened: Workshop, start_anew: Callable[[], Wiring]
) -> None:
    late, _ = cut_off(parts, engine, opened)
    web = start_anew()
    web.labs.refresh()
    rename(web, "learners", "elsewhere")
    web.newcomers.go_on()
    wait_for_threads("newcomer")
    rename(web, "elsewhere", "learners")
    web.newcomers.go_on()
    wait_ready(web, late)


def test_nor_does_one_that_fails_as_a_lab_was_made(
    parts: Wiring, engine: MemoryEngine, opened: Workshop
) -> None:
    parts.pacing.bring(opened.id, STEP, "ada")
    late = come(parts, opened, "late")
    parts.labs.hold(kept(parts, late), opened, lambda: None)
    rename(parts, "learners", "elsewhere")
    parts.news.tell("seated", late, held=True)
    wait_for_threads("newcomer")
    rename(parts, "elsewhere", "learners")
    assert engine.prepared == []
    parts.newcomers.go_on()
    wait_ready(parts, late)
    assert len(engine.prepared) == 1


@killed
def test_a_server_that_is_full_is_asked_once_a_turn_for_those_who_were_cut_off(
    parts: Wiring,
    engine: MemoryEngine,
    opened: Workshop,
    start_anew: Callable[[], Wiring],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def refuse(*, key: str, **_: object) -> None:
        asked.append(key)
        raise Problem("server-full", "The server is full.")

    parts.pacing.bring(opened.id, STEP, "ada")
    class_ = [come(parts, opened, name) for name in ("otter", "heron", "lynx")]
    engine.is_cut_off = True
    for each in class_:
        parts.line.place_of(each)
    wait_for(lambda: len(engine.prepared) == len(class_), "that all were begun")
    web = start_anew()
    web.labs.refresh()
    with monkeypatch.context() as full:
        full.setattr(engine, "lab_create", refuse)
        for _ in range(2):
            web.newcomers.go_on()
            wait_for_threads("newcomer")
    assert len(asked) == 2
    web.newcomers.go_on()
    for each in class_:
        wait_ready(web, each)


@killed
def test_the_runtime_is_heard_while_labs_of_those_who_were_cut_off_are_made(
    parts: Wiring,
    engine: MemoryEngine,
    opened: Workshop,
    start_anew: Callable[[], Wiring],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late, _ = cut_off(parts, engine, opened)
    create, is_heard, waited = engine.lab_create, threading.Event(), list[bool]()

    def wait_for_it(*, key: str, **args: object) -> dict[str, Any]:
        waited.append(is_heard.wait(10))
        return create(key=key, **args)

    monkeypatch.setattr(engine, "lab_create", wait_for_it)
    web = start_anew()
    web.clock.found()
    is_heard.set()
    wait_ready(web, late)
    assert waited == [True]


@killed
def test_one_for_whom_no_lab_can_be_made_any_more_works_in_the_one_that_is_there(
    parts: Wiring,
    engine: MemoryEngine,
    opened: Workshop,
    start_anew: Callable[[], Wiring],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(**_: object) -> None:
        raise Problem("image-unknown", "There is no such image.")

    late, half = cut_off(parts, engine, opened)
    monkeypatch.setattr(engine, "lab_create", refuse)
    web = start_anew()
    web.clock.found()
    wait_ready(web, late)
    lab = web.labs.of(late)
    assert lab
    assert lab["lab"] == half
    assert not kept(parts, late).is_being_set_up


def rename(parts: Wiring, table: str, name: str) -> None:
    with parts.database.write() as session:
        session.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))
