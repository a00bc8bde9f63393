"""The page with a machine: what is weaker is marked, and both sides are in the server's view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_for
from webapp.workshops.opening import Plan, open_workshop

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser
    from webapp.wiring import Wiring

WEAKER = "Asked inside the machine, so weaker"


def page_of(parts: Wiring, browser: Browser, step: str, *, in_machine: bool = False) -> str:
    plan = Plan((step.partition("/")[0],), in_machine=in_machine)
    workshop = open_workshop(parts.database, parts.library, plan)
    browser.join(workshop.code, "ben")
    wait_for(parts.labs.owners, "the lab")
    return browser.client.get(f"/lab/{step}").text


@pytest.mark.parametrize(
    ("step", "in_machine", "marks"),
    [
        ("02-what-is-a-container/08-make-one-by-hand", False, 1),  # a check
        ("01-the-full-server/03-what-it-believes", False, 1),  # a question
        ("07-vm-or-container/06-whose-kernel-falls", False, 0),  # asked in the container
        ("07-vm-or-container/07-which-for-what", False, 0),  # judged by the lesson
        ("00-your-terminal/01-a-prompt", True, 1),  # one works in no container there
    ],
)
def test_what_is_asked_inside_a_machine_is_marked_weaker(
    parts: Wiring, ben: Browser, step: str, marks: int, *, in_machine: bool
) -> None:
    assert page_of(parts, ben, step, in_machine=in_machine).count(WEAKER) == marks


def test_the_server_s_view_says_which_side_a_process_is_of(parts: Wiring, ben: Browser) -> None:
    page = page_of(parts, ben, "02-what-is-a-container/04-seen-from-the-server")
    view = page.partition('<slip-server-view class="server-view">')[2].partition("</table>")[0]
    assert '<th scope="col">Side</th>' in view
    assert "your container and machine" in view
