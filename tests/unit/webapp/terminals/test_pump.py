"""A pump in a process of its own; no terminal and no browser is needed for what it says here."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.client import Leaps, Problem
from tests.waiting import wait_for
from webapp.terminals import client
from webapp.terminals.grants import Grant
from webapp.terminals.pump import Pump

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY_S = 86400.0


@contextmanager
def pump_with(leaps: Leaps, run_path: Path) -> Iterator[client.Pump]:
    (run_path / "pump").mkdir()
    pid = os.fork()
    if pid == 0:
        try:
            Pump(run_path, {os.getuid()}, leaps=leaps).loop.run()
        finally:
            os._exit(1)
    pump = client.Pump(run_path / "pump/control.sock")
    try:
        wait_for(lambda: answers(pump), "the pump")
        yield pump
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def answers(pump: client.Pump) -> bool:
    try:
        return pump.grants() == []
    except Problem:
        return False


def test_a_clock_that_leaps_to_the_end_of_a_right_leaves_the_web_time_to_say_another(
    tmp_path: Path,
) -> None:
    is_set = tmp_path / "set"
    leaps = Leaps(lambda: 0.0, lambda: DAY_S if is_set.exists() else 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs, pump_with(leaps, tmp_path) as pump:
        ends_at = time.time() + 60
        pump.handover(theirs, Grant("v", "ben", "0badcafe.1", "type", ends_at))
        is_set.touch()
        wait_for(lambda: pump.grants()[0]["until"] > ends_at, "the grant to last longer")
        assert pump.grants()[0]["until"] < time.time() + 121
