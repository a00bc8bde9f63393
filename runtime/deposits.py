"""What the runtime leaves with the keeper, and a keeper wherever there is none.

The runtime holds every descriptor too, so a keeper that dies is replaced and filled again; only
runtime, keeper and pump together can lose a stream.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from runtime.kernel import spawn
from runtime.problems import Problem
from runtime.protocol import Connection, Packet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.instance import Instance

log = structlog.get_logger()

_CHECKOUT = Path(__file__).parents[1]
_SYSTEMD = Path("/run/systemd/system")
_SYSTEM_SLICE = Path("/sys/fs/cgroup/system.slice")
_START_TIMEOUT_S = 60  # a slow machine that is busy reads Python for a while
_JOIN_TRIES = 5
# The labs live in this unit's cgroup: its end is not theirs, their limits are their own, and a
# learner's process that is killed for memory is no reason to stop anything.
_UNIT_PROPERTIES = ("Delegate=yes", "KillMode=process", "TasksMax=infinity", "OOMPolicy=continue")


class Deposit(NamedTuple):
    """A named set of descriptors: ours, with a copy at the keeper's."""

    fds: tuple[int, ...]
    note: dict[str, Any]


class Deposits:
    """The runtime's side of the keeper; safe from any thread.

    Make it before the process gets a mount namespace of its own: a keeper is started in the one
    that was there at first, or it would hold on to every mount of ours.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._mounts_fd = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        self._held: dict[str, Deposit] = {}
        self._lock = threading.RLock()
        self._keeper: Connection | None = None
        self._closed = False
        self._unit = f"slipway-{instance.id}.service"

    def open(self) -> None:
        """Take over what a keeper holds, or start one.

        Raises:
            Problem: `keeper-away`, when none can be started.
        """
        with self._lock:
            self._connect_or_start()
            for name, note in self._listed():
                packet = self._ask({"op": "get", "name": name})
                self._held[name] = Deposit(tuple(packet.descriptors.take_all()), note)

    @property
    def keeper_pid(self) -> int:
        """The keeper's process."""
        with self._lock:
            return self._connected().peer().pid

    @property
    def unit_pid(self) -> int | None:
        """The keeper's process where systemd gave it a unit, whose cgroup the labs live in."""
        cgroups = Path(f"/proc/{self.keeper_pid}/cgroup").read_text()
        return self.keeper_pid if f"/{self._unit}" in cgroups else None

    def put(self, name: str, fds: Sequence[int], note: dict[str, Any] | None = None) -> None:
        """Keep descriptors under a name; they are ours from now on, also when this raises."""
        deposit = Deposit(tuple(fds), note or {})
        with self._lock:
            self._forget(name)
            self._held[name] = deposit
            self._ask({"op": "put", "name": name, "note": deposit.note}, deposit.fds)

    def find(self, name: str) -> Deposit | None:
        """The set of that name; its descriptors stay ours and live until it is dropped."""
        return self._held.get(name)

    def names(self, prefix: str = "") -> list[str]:
        """What is kept, by name."""
        with self._lock:
            return [name for name in self._held if name.startswith(prefix)]

    def drop(self, name: str) -> None:
        """Close a set, here and at the keeper's; done already is done."""
        with self._lock:
            if name in self._held:
                self._forget(name)
                self._ask({"op": "drop", "name": name})

    def close(self, *, end_keeper: bool) -> None:
        """Let go of everything here; the keeper goes on, unless nothing is left to keep."""
        with self._lock:
            self._closed = True
            if end_keeper:
                self._ask({"op": "stop"})
            self._connected().shutdown()
            for name in list(self._held):
                self._forget(name)
            os.close(self._mounts_fd)

    def _forget(self, name: str) -> None:
        deposit = self._held.pop(name, None)
        for fd in deposit.fds if deposit else ():
            os.close(fd)

    def _listed(self) -> list[tuple[str, dict[str, Any]]]:
        found: list[tuple[str, dict[str, Any]]] = []
        while page := self._ask({"op": "list", "start": len(found)}).body["sets"]:
            found += [(entry["name"], entry["note"]) for entry in page]
        return found

    def _ask(self, body: dict[str, Any], fds: Sequence[int] = ()) -> Packet:
        """One question; where the keeper died, a new one is filled and asked again."""
        try:
            return self._exchange(body, fds)
        except OSError:
            self._replace()
            return self._exchange(body, fds)

    def _exchange(self, body: dict[str, Any], fds: Sequence[int]) -> Packet:
        connection = self._connected()
        connection.send(body, fds)
        packet = connection.receive()
        if packet is None:
            raise ConnectionResetError
        if "problem" in packet.body:
            raise Problem.from_dict(packet.body["problem"])
        return Packet(packet.body["ok"], packet.descriptors)

    def _connected(self) -> Connection:
        if self._keeper is None:
            raise Problem("keeper-away", "The keeper of this server's terminals isn't running.")
        return self._keeper

    def _replace(self) -> None:
        log.warning("keeper.lost")
        self._connect_or_start()
        for name, deposit in self._held.items():
            self._exchange({"op": "put", "name": name, "note": deposit.note}, deposit.fds)

    def _connect_or_start(self) -> None:
        if self._keeper:
            self._keeper.close()
        self._keeper = _connect(self._instance.keeper_socket) or self._start()
        threading.Thread(target=self._watch, args=(self._keeper,), daemon=True).start()

    def _watch(self, keeper: Connection) -> None:
        """Wait for the keeper's end, and replace it at once: it may be needed a second later."""
        poll = select.poll()
        poll.register(keeper, select.POLLRDHUP)
        poll.poll()
        with self._lock:
            if not self._closed and self._keeper is keeper:
                self._replace()

    def _start(self) -> Connection:
        keeper = [sys.executable, "-m", "runtime.keeper", str(self._instance.keeper_socket)]
        in_unit = _SYSTEMD.is_dir() and self._start_in_unit(keeper)
        if not in_unit:
            self._start_plainly(keeper)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if connection := _connect(self._instance.keeper_socket):
                log.info("keeper.started", pid=connection.peer().pid, in_unit=in_unit)
                if not in_unit:
                    self._join_unit(connection.peer().pid)
                return connection
            time.sleep(0.01)
        raise Problem(
            "keeper-away",
            "The process that keeps this server's terminals could not be started.",
            f"See whether {keeper[0]} runs, and the log of systemd where there is one.",
        )

    def _start_in_unit(self, keeper: list[str]) -> bool:
        """Start it as a unit of its own: a login's scope has no cpu controller, and may be ended.

        A unit whose main process died is still there while labs live in it, and can't be started
        again: then this fails, and the keeper is started without, and moved there by hand.
        """
        unit = [f"--unit={self._unit}", "--collect", "--quiet"]
        properties = [f"--property={each}" for each in _UNIT_PROPERTIES]
        path = [f"--setenv=PYTHONPATH={_CHECKOUT}"]
        return spawn.run_quietly(["systemd-run", *unit, *properties, *path, *keeper]) == 0

    def _start_plainly(self, keeper: list[str]) -> None:
        enter = ["nsenter", f"--mount=/proc/self/fd/{self._mounts_fd}"]
        spawn.run(
            [*enter, "setsid", "--fork", "sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", *keeper],
            env={"PYTHONPATH": str(_CHECKOUT)},
            pass_fds=[self._mounts_fd],
        )

    def _join_unit(self, pid: int) -> None:
        """Put a second keeper where the labs are, beside which systemd's first one died.

        systemd takes the first one's leaf away with it, at a moment of its own.
        """
        unit = _SYSTEM_SLICE / self._unit
        for _ in range(_JOIN_TRIES):
            if not unit.is_dir():
                return  # no lab lives there
            with suppress(FileNotFoundError):
                (unit / "keeper").mkdir(exist_ok=True)
                (unit / "keeper" / "cgroup.procs").write_text(str(pid))
                return


def _connect(path: Path) -> Connection | None:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        return None
    return Connection(sock)
