"""The pump's place in the kernel's scheduler, with the kernel's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_for
from webapp.terminals.loop import Loop
from webapp.terminals.precedence import FLOOD_S, PAUSE_S, Precedence

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[4]
TRY = """
import os, resource
os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
os.setuid(65534)
from tests.unit.webapp.terminals.test_precedence import flood, is_real_time
from webapp.terminals.loop import Loop
from webapp.terminals.precedence import Precedence
loop = Loop()
flood(loop, Precedence(loop))
print(is_real_time())
"""


@pytest.fixture
def loop() -> Iterator[Loop]:
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    loop = Loop()
    yield loop
    loop.close()
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def is_real_time() -> bool:
    return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR


def flood(loop: Loop, precedence: Precedence) -> None:
    """Print on and on, for a little longer than it takes."""
    for _ in range(3):
        precedence.flooded()
        loop.now += FLOOD_S


def test_it_is_ordinary_while_all_that_it_carries_is_a_flood_and_nobody_types(loop: Loop) -> None:
    precedence = Precedence(loop)
    flood(loop, precedence)
    assert not is_real_time()
    precedence.typed()
    assert is_real_time()
    flood(loop, precedence)
    assert not is_real_time()


def test_it_is_real_time_again_when_the_flood_has_ended(loop: Loop) -> None:
    flood(loop, Precedence(loop))
    assert not is_real_time()

    def turned() -> bool:
        loop.turn(PAUSE_S)
        return is_real_time()

    wait_for(turned, "real-time again")


def test_a_screen_that_is_drawn_now_and_then_is_no_flood(loop: Loop) -> None:
    precedence = Precedence(loop)
    for _ in range(9):
        precedence.flooded()
        loop.now += 2 * PAUSE_S
    assert is_real_time()


def test_it_gives_up_nothing_that_it_would_not_get_back() -> None:
    command = [sys.executable, "-c", TRY]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
