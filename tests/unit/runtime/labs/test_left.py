"""A network that nobody is in any more is found again where something keeps it."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.container.bundle import ROOT
from runtime.kernel import rtnetlink
from runtime.kernel.netns import NetworkNamespace
from runtime.labs.left import Left
from runtime.labs.networks import Network
from runtime.labs.state import Lab, LabId, Shape
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel


class World:
    """A network that nobody but the test keeps, and what was found again."""

    def __init__(self) -> None:
        self.network = NetworkNamespace.create()
        self.network.run(subprocess.run, ["ip", "link", "set", "lo", "up"], check=True)
        self.lab = Lab(LabId("one"), Shape("slipway/engine", "engine"), 1 << 30, ROOT)
        self.lives = True
        self.fails = 0
        self.found: list[bool] = []
        self.kept_out: list[Lab] = []
        self.left = Left(Path("/dev/net/tun"), self._take, self.kept_out.append)
        self.left.start()

    def leave(self) -> None:
        network = Network(self.network.fd)
        self.left.remember(self.lab, network)
        network.close()

    def is_up(self) -> bool:
        """Whether packets may wait in it."""
        said = self.network.run(subprocess.check_output, ["ip", "-o", "link"], text=True)
        return ",UP" in said

    def close(self) -> None:
        self.left.stop()
        self.network.close()

    def _take(self, lab: Lab, fd: int) -> bool:
        assert lab is self.lab
        if self.fails:
            self.fails -= 1
            raise OSError(errno.EMFILE, "no file more")
        self.found.append(os.path.sameopenfile(fd, self.network.fd))
        return self.lives


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


def test_one_that_something_keeps_comes_back_each_time_it_is_left(world: World) -> None:
    world.leave()
    wait_for(lambda: world.found == [True], "it to be found again")
    world.leave()
    wait_for(lambda: world.found == [True, True], "likewise")
    assert world.is_up()


def test_one_that_could_not_be_kept_is_found_again_at_the_next_look(world: World) -> None:
    world.fails = 2
    world.leave()
    wait_for(lambda: world.found == [True], "a look that goes well")
    assert world.fails == 0


def test_what_waits_in_one_whose_lab_is_gone_is_let_go(world: World) -> None:
    world.lives = False
    world.leave()
    wait_for(lambda: not world.is_up(), "its links to be down")


def test_who_takes_our_tunnels_away_again_and_again_is_told_of(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    do = rtnetlink.do

    def and_delete(kind: int, body: bytes) -> None:
        do(kind, body)
        links = world.network.run(os.listdir, "/proc/thread-self/net/dev_snmp6")
        for name in set(links) - {"lo"}:
            world.network.run(subprocess.run, ["ip", "link", "del", name], check=True)

    monkeypatch.setattr(rtnetlink, "do", and_delete)  # as root of it may, in between
    world.leave()
    wait_for(lambda: world.kept_out, "word of it")
    assert world.kept_out[0] is world.lab
    assert not world.found
