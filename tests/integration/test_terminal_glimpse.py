"""What the pump tells of a terminal to whoever draws it small: a real pump, a real pty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_for
from webapp.problems import Problem
from webapp.terminals.bounds import GLIMPSE_BYTES

if TYPE_CHECKING:
    from tests.integration.pump_harness import Stage

NAME = "1a2b3c4d.1"


def test_a_glimpse_shows_what_was_printed_since_the_last_and_holds_nobody_up(
    stage: Stage,
) -> None:
    shell = stage.shell(
        NAME, "sh", "-c", "printf 'one\n'; read _; seq 100000; printf 'the end'; read _"
    )
    wait_for(lambda: shell.head >= 4, "the first line")
    first = stage.pump.glimpse(NAME)
    assert first["output"].endswith(b"one\r\n")
    after, epoch = first["seq"] + len(first["output"]), first["epoch"]
    assert stage.pump.glimpse(NAME, after=after, epoch=epoch)["output"] == b""
    browser = stage.browser()
    browser.until_ready()
    browser.type("\r")
    browser.until_shows(b"the end")
    rest = stage.pump.glimpse(NAME, after=after, epoch=epoch)
    assert rest["seq"] > after  # of a flood the end is enough
    assert rest["output"].endswith(b"\r\nthe end")
    assert (rest["rows"], rest["cols"]) == (24, 80)
    whole = stage.pump.glimpse(NAME, after=after, epoch=epoch + 1)
    assert whole["preamble"].startswith(b"\x1bc")
    assert len(whole["output"]) <= GLIMPSE_BYTES
    with pytest.raises(Problem):
        stage.pump.glimpse("1a2b3c4d.7")
