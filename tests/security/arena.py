"""A lab that attacks, a witness beside it, and what the witness felt of it.

The witness types at its shell's prompt, does a fixed piece of work on the processor, and writes to
its disk, under the attack and then with every process of it stopped; the ratio of the two times is
what it took. That of the disk is printed everywhere, and bound on cgroup v2: v1 can't slow what a
program doesn't wait for.
"""

from __future__ import annotations

import os
import select
import signal
import statistics
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from runtime.kernel import processes
from runtime.limits.unified import Unified
from tests.integration.lab_harness import Lab, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

MOST = 2.0
# What else the machine does is noise, which only ever adds: for so long the best counts.
PATIENCE_S = 20
KEYS = 9
WORKS = 2
ROW = "attack"  # the property that a test's report carries (tests/conftest.py prints them)

# Says `ready`, then for each line it reads how many seconds that work took.
WORK = """
import os, sys, time
print("ready", flush=True)
disk = os.open("/var/tmp/witness", os.O_CREAT | os.O_WRONLY)
for line in sys.stdin:
    began = time.perf_counter()
    if line == "disk\\n":
        os.pwrite(disk, bytes(1 << 18), 0)
        os.fsync(disk)
    else:
        sum(number * number for number in range(300_000))
    print(time.perf_counter() - began, flush=True)
"""
# A disk that the machine's reserve has room for many times.
SMALL = {"disk_bytes": 64 << 20}
# The smallest time that can be told from another: the clock of a busy shared machine.
_FLOOR_S = 0.0005
_DISK_FLOOR_S = 0.005


class Felt(NamedTuple):
    """What the witness measured, in seconds."""

    key_s: float
    work_s: float
    disk_s: float


class Witness:
    """A learner's lab in which somebody types and computes."""

    def __init__(self, runtime: Server) -> None:
        self.lab = Lab(runtime.client, "witness", limits={"pids": 100, **SMALL})
        self._terminal_fd = runtime.client.terminal_stream(f"{self.lab.id}.1")
        into, self._ask_fd = os.pipe()
        self._answer_fd, out = os.pipe()
        self._worker = threading.Thread(
            target=self._run, args=(runtime, into, out), name="witness", daemon=True
        )
        self._worker.start()
        assert self._said() == "ready"
        self._quiet()
        os.write(self._terminal_fd, b"\x15")
        self.is_disk_bound = isinstance(place_of(runtime.instance), Unified)

    def _run(self, runtime: Server, into: int, out: int) -> None:
        with open(into, "rb") as stdin, open(out, "wb") as stdout:
            fds = (stdin.fileno(), stdout.fileno(), stdout.fileno())
            runtime.client.lab_exec(self.lab.id, ["python3", "-c", WORK], fds=fds)

    def feels(self) -> Felt:
        """Type and work a little."""
        keys = statistics.median(self._key() for _ in range(KEYS))
        os.write(self._terminal_fd, b"\x15")
        self._quiet()
        work = statistics.median(self._work("sum") for _ in range(WORKS))
        return Felt(keys, work, statistics.median(self._work("disk") for _ in range(WORKS)))

    def _key(self) -> float:
        began = time.perf_counter()
        os.write(self._terminal_fd, b"x")
        assert select.select([self._terminal_fd], [], [], 20)[0], "the witness's key was lost"
        took = time.perf_counter() - began
        os.read(self._terminal_fd, 4096)
        return took

    def _work(self, kind: str) -> float:
        os.write(self._ask_fd, f"{kind}\n".encode())
        return float(self._said())

    def _said(self) -> str:
        assert select.select([self._answer_fd], [], [], 60)[0], "the witness's work was lost"
        return os.read(self._answer_fd, 4096).decode().strip()

    def _quiet(self) -> None:
        while select.select([self._terminal_fd], [], [], 0.02)[0]:
            os.read(self._terminal_fd, 65536)

    def close(self) -> None:
        """End it."""
        os.close(self._ask_fd)
        self._worker.join(20)
        for fd in (self._answer_fd, self._terminal_fd):
            os.close(fd)
        self.lab.remove()


class Row:
    """One line of the table."""

    def __init__(self, arena: Arena, attack: str, stopped_by: str) -> None:
        self._arena = arena
        self._attack = attack
        self.stopped_by = stopped_by
        self.ratios: tuple[float, float, float] | None = None

    def compare(self) -> None:
        """Say, while the attack runs, what it takes from the witness; it must not be much."""
        hurt, calm = self._arena.witness.feels(), Felt(1e9, 1e9, 1e9)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with self._arena.stopped():
                calm = _best(calm, self._arena.witness.feels())
            self.ratios = _ratio(hurt, calm)
            if self._is_little(self.ratios):
                return
            hurt = _best(hurt, self._arena.witness.feels())
        pytest.fail(f"{self._attack}: witness {self.ratios}")

    def _is_little(self, ratios: tuple[float, float, float]) -> bool:
        bound = ratios if self._arena.witness.is_disk_bound else ratios[:2]
        return max(bound) <= MOST

    def text(self) -> str:
        """As it is printed."""
        assert self.ratios is not None, f"{self._attack}: nobody looked at the witness"
        keys, work, disk = self.ratios
        return f"{self._attack}\t{self.stopped_by}\t{keys:.2f}\t{work:.2f}\t{disk:.2f}"


def _best(one: Felt, other: Felt) -> Felt:
    return Felt(*map(min, one, other))


def _ratio(hurt: Felt, calm: Felt) -> tuple[float, float, float]:
    """How many times longer each took."""
    keys = max(hurt.key_s, _FLOOR_S) / max(calm.key_s, _FLOOR_S)
    disk = max(hurt.disk_s, _DISK_FLOOR_S) / max(calm.disk_s, _DISK_FLOOR_S)
    return keys, hurt.work_s / calm.work_s, disk


class Arena:
    """Where an attack is tried.

    Attributes:
        runtime: the server's daemon.
        mallory: attacks; root in a lab of her own.
        witness: beside it.
    """

    def __init__(self, runtime: Server, mallory: Lab, witness: Witness) -> None:
        self.runtime = runtime
        self.mallory = mallory
        self.witness = witness
        self.rows: list[str] = []

    @contextmanager
    def attack(self, name: str, stopped_by: str) -> Iterator[Row]:
        """Try one, and write a line of the table; `compare` belongs in the block.

        Args:
            name: of the attack.
            stopped_by: what stops it; may be made more exact as `row.stopped_by`.
        """
        row = Row(self, name, stopped_by)
        yield row
        self.rows.append(row.text())

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let the attack rest for a moment."""
        for _ in range(3):  # what was forked meanwhile
            self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        place = place_of(self.runtime.instance)
        for pid in place.pids(self.mallory.id):
            if pid != self.mallory.record["pid"]:
                processes.signal_member(pid, self.mallory.id, number)
