"""What the kernel's workers spend is seen, though they are nobody's processes."""

from __future__ import annotations

import os
import tty

from runtime.kernel.workers import Workers
from tests.waiting import wait_for


def test_what_goes_through_a_pty_is_carried_by_workers_that_are_seen() -> None:
    assert Workers.are_seen()
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
