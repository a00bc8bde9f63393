"""What is begun is over before a runtime looks what to end, and nothing is begun after that."""

from __future__ import annotations

import threading

import pytest

from runtime.labs.making import Making
from runtime.problems import Problem
from tests.waiting import wait_for


def test_a_stop_waits_for_what_has_begun() -> None:
    making, has_begun, may_end = Making(), threading.Event(), threading.Event()
    done: list[str] = []

    def make() -> None:
        with making.begun(), making.begun():
            has_begun.set()
            may_end.wait(20)
            done.append("made")

    def stop() -> None:
        assert making.finish(20)
        done.append("stopped")

    threads = [threading.Thread(target=make), threading.Thread(target=stop)]
    threads[0].start()
    assert has_begun.wait(20)
    threads[1].start()
    wait_for(lambda: refuses(making), "the stop to have begun")
    assert done == []
    may_end.set()
    for thread in threads:
        thread.join(20)
    assert done == ["made", "stopped"]


def test_nothing_begins_after_a_stop_and_its_caller_is_told() -> None:
    making = Making()
    assert making.finish(0)
    with pytest.raises(Problem, match="is being stopped"), making.begun():
        pass


def test_a_stop_waits_for_ever_for_nothing() -> None:
    making = Making()
    with making.begun():
        assert not making.finish(0.01)


def refuses(making: Making) -> bool:
    try:
        with making.begun():
            return False
    except Problem:
        return True
