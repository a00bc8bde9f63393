"""A class that comes at once: web hands each terminal over by a call of its own, all together."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
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
