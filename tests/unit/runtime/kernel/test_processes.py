"""Which process a number means."""

from __future__ import annotations

import os
import signal
import subprocess

from runtime.kernel import processes
from tests.leftovers import lives


def test_a_process_is_known_by_its_number_and_its_beginning() -> None:
    assert processes.start_ticks(os.getpid()) == processes.start_ticks(os.getpid()) > 0
    assert processes.start_ticks(2**22 + 1) == 0


def test_the_one_that_was_meant_is_ended_and_nobody_who_got_its_number() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleep:
        began = processes.start_ticks(sleep.pid)
        processes.end(sleep.pid, began + 1)
        assert lives(sleep.pid)
        processes.end(sleep.pid, began)
        assert not lives(sleep.pid)


def test_a_number_that_is_in_no_such_group_is_left_alone() -> None:
    with subprocess.Popen(["sleep", "600"]) as sleep:
        processes.signal_member(sleep.pid, "slipway-nowhere/0123abcd", signal.SIGKILL)
        assert lives(sleep.pid)
        sleep.kill()
