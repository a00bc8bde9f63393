"""A reload shows the same screen, also when the ring no longer holds its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.screens import join
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.browser.conftest import Person

LONG_AGO = "seq 150000"  # over a megabyte: nothing of before is kept
SECOND_PAGE = r"(?<![\s\S])page 2 *$[\s\S]*^: *$"  # the first line has gone, the last is drawn
# A tmux names its window after the program a while after that has begun, and sets its right end.
SETTLED = SECOND_PAGE + r"[\s\S]*^\[\d+\] 0:less\* .* _ *$"
PAGES = "seq -f 'page %g' 400 > pages"  # the same text in every release's image


@pytest.mark.parametrize(
    ("command", "shows", "moved", "leave"),
    [
        ("vim pages", "^page 3 *$", "^ +2,1 ", ":q!\r"),
        ("less pages", "^page 3 *$", SECOND_PAGE, "q"),
        ("tmux new 'tmux set status-right _; less pages'", r"^\[\d+\]", SETTLED, "q"),
    ],
)
def test_a_full_screen_program_is_redrawn_after_a_reload(
    person: Person, workshop: dict[str, Any], command: str, shows: str, moved: str, leave: str
) -> None:
    learner = join(person(), workshop["code"], "heron")
    learner.terminal.type(PAGES)
    learner.terminal.type(LONG_AGO)
    learner.terminal.wait_for("^150000 *$")
    learner.terminal.type(command)
    learner.terminal.wait_for(shows)
    learner.page.keyboard.press("ArrowDown")
    learner.page.keyboard.press("Control+L")  # vim wipes its message at each new size, too
    before = learner.terminal.wait_for(moved)
    learner.page.reload()
    wait_for(lambda: learner.terminal.text() == before, "the same screen")
    learner.terminal.wait_connected()
    learner.terminal.enter()
    learner.page.keyboard.type(leave)
    learner.terminal.wait_prompt()
