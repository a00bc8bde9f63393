"""Somebody is let type in another's terminal, and not any more: a real pump, a real pty."""

from __future__ import annotations

import struct
import termios
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.pump_harness import Stage


def test_who_watches_may_type_once_let_and_no_more_once_not(stage: Stage) -> None:
    shell = stage.shell()
    learner = stage.browser()
    learner.until_ready()
    watcher = stage.browser(may="watch", person="person-1")
    watcher.until_ready()
    (grant,) = (each for each in stage.pump.grants() if each["person"] == "person-1")

    stage.pump.renew(viewer=grant["viewer"], until=grant["until"], may="help")
    watcher.until(lambda: len(watcher.find("R")) == 2, "another hello")
    assert watcher.find("H")[-1]["may"] == "help"
    assert watcher.find("H")[-1]["replay"] == "exact"
    watcher.send(b"Z" + struct.pack(">HH", 50, 200))
    watcher.type("echo $((40 + 2))-help\r")
    learner.until_shows(b"42-help")
    watcher.until_shows(b"42-help")
    assert termios.tcgetwinsize(shell.master) == (24, 80)  # the size stays the learner's
    learner.send(b"Z" + struct.pack(">HH", 30, 90))
    learner.until(lambda: learner.find("S"), "a size of their own choice")

    stage.pump.renew(viewer=grant["viewer"], until=grant["until"], may="watch")
    watcher.until(lambda: len(watcher.find("R")) == 3, "a third hello")
    watcher.type("echo no\r")
    watcher.until(lambda: watcher.find("P"), "a refusal")
    assert b"echo no" not in learner.output
    stage.pump.renew(viewer=grant["viewer"], until=grant["until"])
    assert [each["may"] for each in stage.pump.grants() if each["person"] == "person-1"] == [
        "watch"
    ]


def test_only_the_learners_own_terminal_answers_a_program(stage: Stage) -> None:
    asks = (
        "stty -echo; read _; printf '\\033[c'; IFS= read -rsn 5 a; read -rsn 9 -t 1 b; echo ${#b}"
    )
    stage.shell("1a2b3c4d.1", "bash", "-c", asks)
    learner = stage.browser()
    helper = stage.browser(may="help", person="person-1")
    learner.until_ready()
    helper.until_ready()
    helper.type("\r")
    for browser in (helper, learner):
        browser.until_shows(b"\x1b[c")
    helper.type("\x1b[?6c")  # its xterm.js answers by itself
    learner.type("\x1b[?1c")
    learner.until_shows(b"0\r\n")
