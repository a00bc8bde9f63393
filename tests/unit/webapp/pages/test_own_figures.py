"""A lesson says whose figures `free` shows, where that isn't what lessons teach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.waiting import wait_for
from webapp.workshops.opening import Plan, open_workshop

if TYPE_CHECKING:
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
