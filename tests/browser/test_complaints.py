"""What a page complains of is noticed; that a websocket was lost isn't such a complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import LOST_WEBSOCKET, watched
from tests.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.conftest import Server

REFUSED_SOCKET = """() => new Promise(done => {
    new WebSocket(`ws://${location.host}/terminal/none/1`).onclose = () => done();
})"""


def test_errors_of_ours_and_lost_files_are_complaints_and_lost_websockets_are_not(
    chromium: Browser, server: Server
) -> None:
    context = chromium.new_context(base_url=server.url)
    complaints: list[str] = []
    written: list[str] = []
    page = watched(context.new_page(), complaints)
    page.on("console", lambda said: written.append(said.text))
    page.goto("/nowhere")  # a person's own mistake
    page.goto("/")
    page.evaluate(REFUSED_SOCKET)
    page.evaluate("console.error('an error of ours')")
    page.evaluate("setTimeout(() => { throw new Error('thrown') })")
    page.evaluate("fetch('/static/nowhere.js').then(() => {})")
    wait_for(lambda: page.evaluate("1") and len(complaints) == 3, "complaints", deadline_s=30)
    for words in ("an error of ours", "thrown", "status of 404"):
        assert any(words in each for each in complaints), complaints
    assert any(text.startswith(LOST_WEBSOCKET) for text in written)
    context.close()
