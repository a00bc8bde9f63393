"""What an instructor changes while the class goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_for_threads
from webapp.models.workshops import Workshop
from webapp.problems import Problem
from webapp.workshops.changing import add_minutes, set_names, set_places
from webapp.workshops.ending import end_workshop
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item


def test_more_places_let_the_line_in(parts: Wiring, workshop: Workshop) -> None:
    names = ("otter", "heron", "lynx")
    learners = [join(parts.database, workshop.code, name, name)[0].id for name in names]
    assert [parts.line.place_of(each).state for each in learners] == ["ready", "ready", "waiting"]
    set_places(parts.database, workshop.id, 3)
    parts.line.move()
    wait_for_threads("line")
    assert parts.labs.of(learners[2])


def test_fewer_places_put_nobody_out(parts: Wiring, workshop: Workshop) -> None:
    learners = [join(parts.database, workshop.code, name, name)[0].id for name in ("a", "b")]
    for each in learners:
        parts.line.place_of(each)
    set_places(parts.database, workshop.id, 1)
    parts.line.move()
    wait_for_threads("line")
    assert all(parts.line.place_of(each).state == "ready" for each in learners)


def test_more_time_reaches_every_lab_and_every_countdown(
    parts: Wiring, workshop: Workshop, engine: MemoryEngine
) -> None:
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    heard: list[Item] = []
    parts.news.listen(heard.append)
    add_minutes(parts.database, parts.labs, parts.news, workshop.id, 15)
    until = (workshop.ends_at + timedelta(minutes=15)).timestamp()
    assert engine.extended == {learner.lab_key: until}
    assert [(item.kind, item.facts) for item in heard] == [
        ("clock", {"until": round(until), "paused": None, "by": ""})
    ]


def test_other_names_reach_every_lab_and_those_to_come(
    parts: Wiring, workshop: Workshop, engine: MemoryEngine
) -> None:
    with parts.database.write() as session:
        kept = session.get_one(Workshop, workshop.id)
        kept.internet, kept.allowed = True, ["pypi.org"]
    learner, _ = join(parts.database, workshop.code, "otter", "a")
    parts.line.place_of(learner.id)
    assert engine.asked[-1]["allowed"] == ["pypi.org"]
    set_names(parts.database, parts.labs, workshop.id, ("a.example",))
    assert engine.allowed == [(engine.labs[learner.lab_key]["lab"], ("a.example",))]
    late, _ = join(parts.database, workshop.code, "heron", "b")
    parts.line.place_of(late.id)
    assert engine.asked[-1]["allowed"] == ["a.example"]


def test_a_workshop_opened_without_a_list_gets_none(parts: Wiring, workshop: Workshop) -> None:
    with pytest.raises(Problem, match="opened without a list"):
        set_names(parts.database, parts.labs, workshop.id, ("a.example",))


def test_what_is_over_can_t_be_changed(parts: Wiring, workshop: Workshop) -> None:
    end_workshop(parts.database, parts.labs, parts.news, workshop.id)
    with pytest.raises(Problem, match="is over"):
        set_places(parts.database, workshop.id, 3)
    with pytest.raises(Problem, match="is over"):
        add_minutes(parts.database, parts.labs, parts.news, workshop.id, 15)


def test_the_page_has_both_buttons_and_nobody_else_s_hand_on_them(
    ada: Browser, mallory: Browser, workshop: Workshop, parts: Wiring
) -> None:
    page = f"/workshops/{workshop.public_id}"
    assert mallory.post(f"{page}/places", {"places": "9"}).status_code == 403
    assert mallory.post(f"{page}/minutes", {"minutes": "15"}).status_code == 403
    assert ada.post(f"{page}/places", {"places": "9"}).location == page
    assert ada.post(f"{page}/minutes", {"minutes": "15"}).location == page
    with parts.database.read() as session:
        changed = session.get_one(Workshop, workshop.id)
    assert changed.max_learners == 9
    assert changed.ends_at == workshop.ends_at + timedelta(minutes=15)
