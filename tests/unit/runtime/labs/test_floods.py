"""Who is slowed for a flood of ptys: the culprit, for as long as it lasts, and hardly another."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs

from runtime.container.bundle import ROOT
from runtime.kernel import processes, workers
from runtime.labs import floods, state
from runtime.labs.floods import BUSY, LOOK_S, MOST, Search, has_ptys
from runtime.limits.amounts import Hits, Limits
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runtime.limits.cgroup import Place
    from runtime.terminals import Terminals

CORES = 0.5
FLOOD = 2.5 * BUSY
WITHIN = ("unshare", "--user", "--map-root-user", "--mount")
HIDDEN = """
import ctypes, os, sys, threading

def hide():
    ctypes.CDLL(None).unshare(0x400)  # CLONE_FILES
    os.openpty()
    print(flush=True)
    input()

threading.Thread(target=hide).start()
"""
RENAMED = """
mkdir "$1/pts"
touch "$1/notes"
mount -t devpts -o ptmxmode=666 devpts "$1/pts"
mount --bind "$1/pts/ptmx" "$1/notes"
exec "$0" -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR); print(flush=1); input()' "$1/notes"
"""
STUBBORN = 0.01  # of a processor is enough for some to flood


class World:
    """Labs, the processor time that each takes, and what the workers then take for it.

    It is the labs' place as well, as far as that is asked.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.others_share = 0.0
        self.labs: dict[str, state.Lab] = {}
        self.floods: set[str] = set()
        self.stubborn: set[str] = set()
        self.wanted: dict[str, float] = {}
        self.without_ptys: set[str] = set()
        self.told: list[str] = []
        self._cores: dict[str, float] = {}
        self._spent: dict[str, float] = {}
        self._throttled: dict[str, int] = {}
        self.looked_for = 0
        self.search = Search(cast("Place", self), self.has_ptys)

    def has_ptys(self, lab: state.Lab) -> bool:
        self.looked_for += 1
        return lab.id not in self.without_ptys

    def add(self, name: str, wants_cores: float) -> None:
        shape = state.Shape("slipway/base", limits=Limits(cpu_cores=CORES))
        lab = self.labs[name] = state.Lab(state.LabId(name), shape, 0, ROOT)
        self.wanted[name], self._cores[name] = wants_cores, CORES
        self._spent[name], self._throttled[name] = 1.0, 0
        self.search.add(lab)

    def limit_cpu(self, lab: str, cpu_cores: float) -> None:
        self._cores[lab] = cpu_cores

    def cpu_seconds(self, lab: str) -> float:
        return self._spent[lab]

    def hits(self, lab: str) -> Hits:
        return Hits(0, 0, self._throttled[lab])

    def cores(self) -> dict[str, float]:
        return dict(self._cores)

    def slowed(self) -> set[str]:
        found = {name for name, lab in self.labs.items() if lab.slowed_to is not None}
        assert found == {name for name, cores in self._cores.items() if cores < CORES}
        return found

    def run(self, seconds: float) -> None:
        """Let time go by."""
        for _ in range(round(seconds / LOOK_S)):
            self.now += LOOK_S
            for name, wanted in self.wanted.items():
                self._spent[name] += min(wanted, self._cores[name]) * LOOK_S
                if wanted > self._cores[name]:
                    self._throttled[name] += 3
            is_flooded = bool(self.floods - self.slowed())
            rest = max((2 * MOST for n in self.stubborn if self._cores[n] >= STUBBORN), default=0.0)
            share = max(FLOOD if is_flooded else rest, self.others_share)
            if lab := self.search.look(self.now, share):
                self.told.append(lab.id)


@pytest.fixture
def world() -> World:
    """Three learners, one of whom computes."""
    made = World()
    made.add("floods", 0.4)
    made.add("computes", 0.3)
    made.add("types", 0.01)
    return made


def flood(world: World, name: str = "floods") -> None:
    world.floods.add(name)
    world.run(3)


def part_slowed(world: World, name: str, seconds: float) -> float:
    """How much of this time somebody is slowed."""
    looks = round(seconds / LOOK_S)
    slow = 0
    for _ in range(looks):
        world.run(LOOK_S)
        slow += name in world.slowed()
    return slow / looks


def test_who_floods_is_slowed_and_nobody_else(world: World) -> None:
    flood(world)
    assert world.slowed() == {"floods"}
    assert world.told == ["floods"]


def test_a_flood_that_is_soon_over_slows_nobody(world: World) -> None:
    world.floods.add("floods")
    world.run(0.75)
    world.floods.clear()
    world.run(10)
    assert world.told == []


def test_what_honest_programs_print_slows_nobody(world: World) -> None:
    world.others_share = BUSY * 0.9
    world.run(30)
    assert world.told == []


def test_a_flood_that_comes_and_goes_is_found_too(world: World) -> None:
    for _ in range(8):
        world.floods = {"floods"}
        world.run(0.5)
        world.floods = set()
        world.run(0.25)
    assert "floods" in world.told


def test_who_ended_the_flood_is_fast_again_at_once(world: World) -> None:
    flood(world)
    world.floods.clear()
    world.wanted["floods"] = 0.0
    world.run(2.5)
    assert world.cores() == dict.fromkeys(world.labs, CORES)


def test_who_computes_instead_is_fast_again_soon(world: World) -> None:
    flood(world)
    world.floods.clear()
    world.run(7)
    assert not world.slowed()


def test_who_goes_on_flooding_is_slowed_longer_each_time(world: World) -> None:
    flood(world)
    assert part_slowed(world, "floods", 30) > 0.85
    assert part_slowed(world, "floods", 300) > 0.95
    assert set(world.told) == {"floods"}


def test_who_floods_with_little_is_given_less(world: World) -> None:
    world.stubborn.add("floods")
    flood(world)
    world.run(2)
    assert world.cores() == {"floods": STUBBORN / 10, "computes": CORES, "types": CORES}
    assert part_slowed(world, "floods", 30) > 0.85


def test_an_innocent_who_is_suspected_first_goes_on(world: World) -> None:
    world.wanted["computes"] = 0.5
    flood(world)
    assert world.told == ["computes", "floods"]
    assert part_slowed(world, "floods", 30) > 0.85
    assert world.told.count("computes") == 1


def test_two_who_flood_together_are_both_slowed(world: World) -> None:
    world.floods.add("computes")
    flood(world)
    assert world.slowed() == {"floods", "computes"}
    assert part_slowed(world, "floods", 60) > 0.8
    assert part_slowed(world, "computes", 60) > 0.8


def test_who_has_no_ptys_of_their_own_is_never_slowed(world: World) -> None:
    world.without_ptys |= {"floods", "computes", "types"}
    flood(world)
    assert world.told == []


def test_where_nobody_has_ptys_they_arent_looked_for_all_the_time(world: World) -> None:
    world.without_ptys |= set(world.labs)
    world.others_share = FLOOD
    world.run(60)
    assert world.looked_for < len(world.labs) * 60


def test_where_it_was_none_of_them_all_are_let_go_and_left_alone(world: World) -> None:
    world.others_share = FLOOD
    world.run(20)
    assert not world.slowed()
    world.told.clear()
    world.run(240)
    assert world.told == []


def test_peace_is_theirs_who_were_slowed_in_vain_and_nobody_elses(world: World) -> None:
    world.without_ptys.add("floods")  # who makes the workers busy where that isn't suspected
    world.others_share = FLOOD
    world.run(20)
    assert set(world.told) == {"computes", "types"}
    world.others_share = 0.0
    world.without_ptys.clear()
    world.told.clear()
    flood(world)
    assert part_slowed(world, "floods", 60) > 0.85
    assert set(world.told) == {"floods"}


def test_who_takes_more_in_peace_than_others_did_is_suspected_again(world: World) -> None:
    world.others_share = FLOOD / 2
    world.run(20)
    world.others_share = 0.0
    world.told.clear()
    flood(world)
    assert world.told == ["floods"]


def test_what_others_take_hides_no_flood(world: World) -> None:
    world.others_share = FLOOD / 3
    flood(world)
    assert part_slowed(world, "floods", 60) > 0.8


def test_who_ends_and_who_lives_on_without_us_isnt_left_slowed(world: World) -> None:
    world.floods.add("computes")
    flood(world)
    world.search.discard(world.labs["floods"])
    world.search.end()
    assert world.cores() == dict.fromkeys(world.labs, CORES)


def test_a_record_says_of_nobody_that_they_are_slowed() -> None:
    lab = state.Lab(state.new_id(), state.Shape("slipway/base"), 0, ROOT, slowed_to=0.01)
    assert lab.limits.cpu_cores < lab.shape.limits.cpu_cores
    assert state.Lab.from_record(lab.as_record()).slowed_to is None


class Room:
    """As many terminals of Slipway's as one says, and one process."""

    def __init__(self, terminals: int, pid: int) -> None:
        self._terminals, self._pid = terminals, pid

    def of(self, _lab: str) -> range:
        return range(self._terminals)

    def pids(self, _lab: str) -> set[int]:
        return {self._pid}


def has_own(profile: str, terminals: int, pid: int = 0) -> bool:
    lab = state.Lab(state.new_id(), state.Shape("slipway/base", profile), 0, ROOT, pid=os.getpid())
    room = Room(terminals, pid or os.getpid())
    return has_ptys(lab, cast("Terminals", room), cast("Place", room))


@pytest.fixture
def pty() -> Iterator[None]:
    """One of this process's own."""
    fds = os.openpty()
    yield
    for fd in fds:
        os.close(fd)


@pytest.mark.usefixtures("pty")
def test_ptys_are_a_labs_own_where_there_are_more_than_terminals() -> None:
    assert has_own("plain", 0)
    assert not has_own("plain", 4096)


@pytest.mark.usefixtures("pty")
def test_ptys_of_containers_within_are_found_by_who_holds_them() -> None:
    assert has_own("engine", 4096)


def test_a_pty_under_another_name_is_found_too(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*WITHIN, "sh", "-ec", RENAMED, sys.executable, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "\n"
        assert has_own("engine", 4096, holder.pid)
        holder.communicate("\n")


def test_a_pty_that_only_a_thread_has_is_found_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HIDDEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "\n"
        assert has_own("engine", 4096, holder.pid)
        holder.communicate("\n")


@pytest.mark.usefixtures("pty")
def test_a_thread_that_ends_while_it_is_looked_at_hides_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders = ["/proc/0/fd", f"/proc/{os.getpid()}/fd"]  # of the first nothing is told any more
    monkeypatch.setattr(processes, "descriptor_folders", lambda _pid: iter(folders))
    assert has_own("engine", 4096)


def test_a_file_of_that_name_is_no_pty(tmp_path: Path) -> None:
    with (
        (tmp_path / "ptmx").open("w") as file,
        subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file, stderr=file) as other,
    ):
        assert not has_own("engine", 4096, other.pid)


class Children:
    """The list of the kernel's threads, which can be had or not."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_there = True

    def read_bytes(self) -> bytes:
        self.asked += 1
        if not self.is_there:
            raise FileNotFoundError
        return b"2\n"

    def is_read(self) -> None:
        """Wait until it was asked some times more."""
        before = self.asked
        wait_for(lambda: self.asked > before + 5, "some looks more")


@pytest.mark.skipif(not workers.Workers.are_seen(), reason="hidden by a pid namespace")
def test_what_fails_at_each_look_is_told_once_until_one_goes_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    children = Children()
    monkeypatch.setattr(workers, "_CHILDREN", children)
    monkeypatch.setattr(floods, "LOOK_S", 0.01)
    watch = floods.FloodWatch(
        cast("Place", World()), cast("Terminals", Room(0, 0)), lambda _lab: None
    )
    with capture_logs() as said:
        watch.start()
        try:
            for is_there in (True, False, True, False):
                children.is_there = is_there
                children.is_read()
        finally:
            watch.stop()
    assert [each["event"] for each in said] == ["labs.floods_failed"] * 2
