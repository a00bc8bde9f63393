"""The page that says what a classroom's network lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.test_everyone import fits_its_width, serious_faults

if TYPE_CHECKING:
    from tests.browser.conftest import Person

SLOW_MS = 60_000


def test_what_the_network_lets_through_is_said_to_anybody(person: Person) -> None:
    page = person(width=320)
    page.goto("/network")
    expect(page.get_by_text("Websockets pass.")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("Previews are reached.")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("Trying …")).to_have_count(2)
    for trying in page.get_by_text("Trying …").all():
        expect(trying).to_be_hidden()
    assert fits_its_width(page)
    assert serious_faults(page) == []


def test_what_the_network_stops_is_said_with_what_to_do(person: Person) -> None:
    page = person(may_lose_connection=True)  # what is stopped is an error in the console
    page.route("**/.slipway/**", lambda route: route.abort())
    page.goto("/network")
    expect(page.get_by_text("Previews are not reached.")).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text("can open it in the firewall")).to_be_visible()
    expect(page.get_by_text("Websockets pass.")).to_be_visible(timeout=SLOW_MS)
