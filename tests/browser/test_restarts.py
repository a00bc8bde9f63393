"""What dies and comes back under a learner's hands, and what the learner notices of it."""

from __future__ import annotations

import signal
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import serving
from tests.browser.processes import kill
from tests.browser.screens import LOWEST, join, reconnecting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.instance import Instance
    from tests.browser.classroom import Classroom
    from tests.browser.conftest import Person
    from tests.conftest import Server


@pytest.fixture(scope="module")
def server(
    make_instance: Callable[[], Instance], base_image: Image, classroom: Classroom
) -> Iterator[Server]:
    """A whole server whose labs live on when it stops."""
    with serving(make_instance(), base_image, classroom) as server:
        yield server
        for lab in server.client.lab_list():
            server.client.lab_remove(lab["lab"])


def test_the_same_shell_goes_on_after_each_process_is_killed(
    person: Person, workshop: dict[str, Any], server: Server
) -> None:
    ben = join(person(may_lose_connection=True), workshop["code"], "Ben")
    ben.terminal.run("marker=kept; whoami")
    expect(ben.check()).to_have_attribute("data-state", "passed")
    height = ben.page.evaluate(LOWEST)
    for name in ("web", "pump", "runtime"):
        with reconnecting(ben.page) if name == "pump" else nullcontext():
            kill(server, name)
        ben.terminal.wait_connected()
        assert ben.terminal.ask(f"echo {name} $marker") == f"{name} kept"
    assert ben.page.evaluate("window.lowest") == height  # notes have a row of their own
    ben.page.reload()
    assert ben.terminal.ask("echo again $marker") == "again kept"
    expect(ben.page.locator("slip-check")).to_have_attribute("data-state", "passed")


def test_a_server_that_stops_and_starts_again_keeps_progress_and_shell(
    person: Person, workshop: dict[str, Any], server: Server
) -> None:
    ben = join(person(may_lose_connection=True), workshop["code"], "Ben")
    ben.terminal.run("marker=kept; whoami")
    ben.check()
    ben.onward()
    expect(ben.page.get_by_role("heading", name="Stop and get out")).to_be_visible()
    with reconnecting(ben.page):
        server.stop(signal.SIGTERM)
        server.start()
    ben.terminal.wait_connected()
    assert ben.terminal.ask("echo $marker") == "kept"
    ben.page.reload()
    expect(ben.page.get_by_role("heading", name="Stop and get out")).to_be_visible()
    assert ben.terminal.ask("echo $marker") == "kept"
