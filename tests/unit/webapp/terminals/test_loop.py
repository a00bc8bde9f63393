"""The loop stays awake where something comes at once, and sleeps all the same."""

from __future__ import annotations

import os

from tests.waiting import wait_for
from webapp.terminals.loop import IN, Loop


def test_what_comes_while_it_lingers_is_called_and_so_is_what_is_due() -> None:
    loop, called = Loop(), []
    loop._may_linger = True  # whatever this machine has
    fd = os.eventfd(1)
    loop.watch(fd, IN, lambda _: called.append("came"))
    loop.later(0, lambda: called.append("due"))
    loop.linger()
    loop.turn(1.0)
    assert called == ["came", "due"]
    loop.forget(fd)
    os.close(fd)
    loop.close()


def test_where_nothing_comes_it_sleeps_as_ever() -> None:
    loop, called = Loop(), []
    loop._may_linger = True
    loop.later(0.01, lambda: called.append("due"))
    loop.linger()

    def turned() -> bool:
        loop.turn(0.01)
        return called == ["due"]

    wait_for(turned, "what was due")
    loop.close()
