"""A class that comes at once: web hands each terminal over by a call of its own, all together."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from tests.integration.pump_harness import Stage

if TYPE_CHECKING:
    from pathlib import Path

CALLERS = 200


def test_two_hundred_calls_at_once_are_all_answered(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with ExitStack() as stack:
        stack.callback(stage.close)
        calls = []
        for _ in range(CALLERS):
            call = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            calls.append(stack.enter_context(call))
            call.settimeout(10)
            call.connect(str(stage.run_path / "pump" / "control.sock"))
        for call in calls:
            call.send(json.dumps({"op": "grants"}).encode())
        assert [call.recv(4096) for call in calls] == [b'{"ok": {"grants": []}}'] * CALLERS


def test_bytes_of_a_terminal_stay_counted_when_it_is_gone(tmp_path: Path) -> None:
    with closing(Stage(tmp_path)) as stage:
        shell = stage.shell()
        browser = stage.browser()
        browser.until_ready()
        typed = "echo some-$((1 + 1))-words\r"
        browser.type(typed)
        browser.until_shows(b"some-2-words\r\nready$ ")
        before = stage.pump.figures()
        assert before["typed_bytes"] == len(typed)
        assert before["printed_bytes"] >= len(b"some-2-words\r\nready$ ")
        assert (before["terminals"], before["viewers"]) == (1, 1)
        stage.tell(type="gone", terminal=shell.name)
        browser.until_closed()
        assert stage.pump.figures() == {**before, "terminals": 0, "viewers": 0}
