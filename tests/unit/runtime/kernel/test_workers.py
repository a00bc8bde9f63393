"""What the kernel's workers spend is seen, though they are nobody's processes."""

from __future__ import annotations

import os
import tty

import pytest

from runtime.kernel.workers import Workers
from tests.unit.runtime.labs.test_unread import no_file_more
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(
    not Workers.are_seen(), reason="from a pid namespace of one's own nobody sees them"
)


def test_what_goes_through_a_pty_is_carried_by_workers_that_are_seen() -> None:
    workers = Workers()
    near, far = os.openpty()
    tty.setraw(far)
    try:

        def is_carried() -> bool:
            for _ in range(1000):
                os.write(far, bytes(1000))
                os.read(near, 4096)
            return workers.spent_s() > 0

        wait_for(is_carried, "what a worker spent on it")
    finally:
        workers.close()
        os.close(near)
        os.close(far)


def test_a_worker_that_cant_be_opened_whole_leaves_nothing_open() -> None:
    spare_fd = os.open(os.devnull, os.O_RDONLY)
    workers = Workers()
    with no_file_more():
        os.close(spare_fd)  # of the two that each takes one can be opened
        for _ in range(3):
            assert workers.spent_s() == 0
    workers.close()
