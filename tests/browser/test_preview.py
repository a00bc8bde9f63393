"""A learner's own service in a real browser, beside the lesson and in a tab; and the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.screens import SLOW_MS, join
from tests.browser.test_everyone import fits_its_width, serious_faults

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Person

SERVE = (
    "mkdir {0}; echo '<h1>{1}</h1><a href=/next>on</a>' >{0}/index.html; "
    "python3 -m http.server -d {0} {2} 2>/dev/null >&2 & "
)
PORT, OTHER_PORT = "8080", "8081"


def show(page: Page, port: str) -> None:
    page.locator("[data-preview-menu] > summary").click()
    page.get_by_label("Port of your service").fill(port)
    page.get_by_role("button", name="Show it here").click()


def test_services_appear_beside_the_lesson_by_themselves_once_they_run(
    person: Person, workshop: dict[str, Any]
) -> None:
    ben = join(person(), workshop["code"], "Ben")
    page = ben.page
    show(page, PORT)
    frame = page.frame_locator(f"iframe[title$='port {PORT}']")
    other = page.frame_locator(f"iframe[title$='port {OTHER_PORT}']")
    expect(frame.get_by_role("heading", name=f"Nothing answers on port {PORT}")).to_be_visible(
        timeout=SLOW_MS
    )
    ben.terminal.type(SERVE.format("one", "Mine", PORT) + SERVE.format("two", "Its", OTHER_PORT))
    expect(frame.get_by_role("heading", name="Mine")).to_be_visible(timeout=SLOW_MS)
    frame.get_by_role("link", name="on").click()  # an absolute link: its origin is its own
    expect(frame.get_by_text("File not found")).to_be_visible(timeout=SLOW_MS)
    show(page, OTHER_PORT)
    expect(other.get_by_role("heading", name="Its")).to_be_visible(timeout=SLOW_MS)
    assert serious_faults(page) == []
    page.reload()
    expect(frame.get_by_role("heading", name="Mine")).to_be_visible(timeout=SLOW_MS)
    expect(other.get_by_role("heading", name="Its")).to_be_visible(timeout=SLOW_MS)
    for width in (760, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert fits_its_width(page), width

    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Close this preview").last.click()
    expect(page.locator("iframe")).to_have_count(1)

    page.locator("[data-preview-menu] > summary").click()
    page.get_by_label("Port of your service").fill(OTHER_PORT)
    with page.context.expect_page() as opened:
        page.locator("[data-preview-form] [data-preview-tab]").click()
    tab = opened.value
    expect(tab.get_by_role("heading", name="Its")).to_be_visible(timeout=SLOW_MS)
    assert urlsplit(tab.url).hostname == urlsplit(page.url).hostname
    assert urlsplit(tab.url).port != urlsplit(page.url).port
    assert tab.evaluate("window.opener") is None
    assert tab.evaluate("document.cookie") == ""  # nothing of ours is to be read there

    tab.goto(page.url)
    tab.route("**/.slipway/**", lambda route: route.abort())  # as a network that filters ports
    show(tab, PORT)
    note = tab.locator("[data-preview-note]")
    expect(note).to_contain_text("nothing at http://", timeout=SLOW_MS)
    tab.unroute("**/.slipway/**")
    tab.get_by_role("button", name="Load again").click()
    expect(note).to_be_hidden(timeout=SLOW_MS)


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
