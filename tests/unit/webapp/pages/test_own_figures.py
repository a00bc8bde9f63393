"""A lesson says whose figures `free` shows, where that isn't what lessons teach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.waiting import wait_for
from webapp.models.workshops import running_workshops
from webapp.workshops.opening import Plan, open_workshop

if TYPE_CHECKING:
    import pytest

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.wiring import Wiring

SAYS = "show your container"


def page_of(parts: Wiring, browser: Browser, *, own_figures: bool) -> str:
    plan = Plan(("00-your-terminal",), own_figures=own_figures)
    workshop = open_workshop(parts.database, parts.library, plan)
    browser.join(workshop.code, "ben")
    wait_for(parts.labs.owners, "the lab")
    return browser.client.get("/lab", follow_redirects=True).text


def test_a_lesson_says_that_free_shows_the_container(parts: Wiring, ben: Browser) -> None:
    assert SAYS in page_of(parts, ben, own_figures=True)


def test_a_lesson_says_nothing_where_it_is_as_lessons_teach(parts: Wiring, ben: Browser) -> None:
    assert SAYS not in page_of(parts, ben, own_figures=False)


def test_a_lesson_says_why_the_container_s_figures_are_not_there(
    parts: Wiring, ben: Browser, engine: MemoryEngine
) -> None:
    page_of(parts, ben, own_figures=True)
    for lab in engine.labs.values():
        lab["figures_why"] = "lxcfs is not installed on this server."
    parts.labs.refresh()
    page = ben.client.get("/lab", follow_redirects=True).text
    assert "They show the server: lxcfs is not installed" in page


def test_an_instructor_s_choice_reaches_the_labs_that_are_made(
    parts: Wiring, ada: Browser, ben: Browser, engine: MemoryEngine
) -> None:
    form = {"lessons": "00-your-terminal", "max_learners": "5", "minutes": "60"}
    ada.post("/workshops", {**form, "own_figures": "on"})
    with parts.database.read() as session:
        (workshop,) = running_workshops(session)
    ben.join(workshop.code, "ben")
    wait_for(parts.labs.owners, "the lab")
    assert engine.asked[0]["own_figures"] is True
    assert [shape["own_figures"] for shape in engine.wanted] == [True]


def test_an_instructor_reads_why_it_can_not_be_chosen(
    ada: Browser, engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "lxcfs is not installed on this server."
    monkeypatch.setattr(engine, "status", lambda: {"own_figures": why})
    page = ada.get("/workshops/new").text
    assert why in page
    assert 'value="on"  disabled' in page or 'value="on" disabled' in page
