"""When a lab is listed for networks again: who works soon, who sleeps now and then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest

from runtime.container.bundle import ROOT
from runtime.kernel.netns import NetworkNamespace
from runtime.labs.state import Lab, LabId, Shape
from runtime.labs.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.limits.cgroup import Place

NOW = 0.0  # so the pause between two looks is never over


class Lists:
    """A lab's place: what the lab took of the processors, and what it takes to list it."""

    def __init__(self) -> None:
        self.worked_s = self.takes_s = 0.0

    def cpu_seconds(self, _lab: str) -> float:
        return self.worked_s

    def pids(self, _lab: str) -> set[int]:
        until_s = time.thread_time() + self.takes_s
        while time.thread_time() < until_s:
            pass
        return set()


@pytest.fixture
def place() -> Lists:
    return Lists()


@pytest.fixture
def watched(place: Lists) -> Iterator[Watched]:
    made = Watched(
        Lab(LabId("one"), Shape("slipway/engine", "engine"), 1 << 30, ROOT),
        cast("Place", place),
        lambda _lab, _network: None,
    )
    network = NetworkNamespace.create()
    made.keep(network.fd)
    network.close()
    yield made
    made.close()


def test_who_worked_is_listed_again_and_who_sleeps_is_not(watched: Watched, place: Lists) -> None:
    watched.find()
    assert not watched.is_due(NOW)
    place.worked_s += 0.1
    assert watched.is_due(NOW)


def test_who_takes_long_to_list_is_listed_for_a_fifth_of_its_work(
    watched: Watched, place: Lists
) -> None:
    place.takes_s = 0.02
    watched.find()
    place.worked_s += 0.08
    assert not watched.is_due(NOW)
    place.worked_s += 1.0
    assert watched.is_due(NOW)
