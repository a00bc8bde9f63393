"""A machine that was booted once, up to its shell, and saved: others go on from there.

Its memory lies in a file that nobody can write any more (memfd, sealed), so all that go on from it
share what they don't change; of its disk each gets a copy. All of it are descriptors of ours: when
we end, nothing is left. It was nobody's machine, so nothing of a learner is in it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runtime.machine import qemu
from runtime.machine.agent import Agent
from runtime.machine.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime.machine.agent import Frame

BOARD: qemu.Board = "microvm"
RANDOM_BYTES = 64  # as much as guest/saved.c takes
_STATE_BYTES = 4 << 20  # it has 64 kB
_WRITE_S = 10.0
_LOOK_S = 0.2
_WORD = " slip.save=1"  # for its process 1
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class NotSaved(Exception):
    """No machine came as far as that; the words are for the log."""


@dataclass(frozen=True)
class Saved:
    """What others go on from; all may do so at once.

    Attributes:
        ram_fd: the guest's memory; ours until `close`.
        disk_fd: its disk; likewise.
        state: of its devices, as qemu wrote it.
        accelerator: who ran it, and must run those that go on.
    """

    ram_fd: int
    disk_fd: int
    state: bytes
    accelerator: qemu.Accelerator

    def close(self) -> None:
        """Let go of it; those that went on from it keep what they share."""
        os.close(self.ram_fd)
        os.close(self.disk_fd)

    def copy_disk(self, path: Path, uid: int) -> None:
        """Give one that goes on its own disk, its holes kept.

        Args:
            path: where; what was there is replaced.
            uid: who may read and write it, besides root.
        """
        path.unlink(missing_ok=True)
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, os.fstat(self.disk_fd).st_size)
            end = 0
            while (begin := _next_data(self.disk_fd, end)) is not None:
                end = os.lseek(self.disk_fd, begin, os.SEEK_HOLE)
                while begin < end:
                    begin += os.copy_file_range(self.disk_fd, fd, end - begin, begin, begin)
            os.fchown(fd, uid, uid)
        finally:
            os.close(fd)

    def start(self, plan: qemu.Plan) -> tuple[qemu.Started, Monitor]:
        """Start one that goes on from here; its guest waits for `wake`.

        Raises:
            OSError: whatever the kernel says; TimeoutError where qemu takes no state.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            going = replace(plan, ram_fd=self.ram_fd, goes_on=True)
            started = qemu.start(going)
            monitor = Monitor(started.monitor)
            monitor.go_on(theirs.fileno())
            theirs.close()
            ours.settimeout(_WRITE_S)
            try:
                ours.sendall(self.state)
            except BrokenPipeError:  # qemu has ended; whoever waits for it hears that
                pass
            except OSError:
                _end(started, monitor, started.agent)
                raise
        return started, monitor


def wake(agent: Agent, hostname: str, size: tuple[int, int]) -> None:
    """Make one that went on another machine than the saved one, and let it start its shell."""
    agent.tell_time()
    agent.resize(*size)
    agent.send("N", 0, os.urandom(RANDOM_BYTES) + hostname.encode())


def save(plan: qemu.Plan, may_go_on: Callable[[], bool]) -> Saved:
    """Boot a machine as far as its shell and save it; nothing of it runs afterwards.

    Args:
        plan: of it; its disk may be removed as soon as this returns.
        may_go_on: asked again and again; False gives it up.

    Raises:
        NotSaved: it didn't come so far.
        OSError: whatever the kernel says.
    """
    with ExitStack() as undo:
        ram_fd = os.memfd_create("slipway-machine", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        undo.callback(os.close, ram_fd)
        os.ftruncate(ram_fd, plan.memory_bytes)
        disk_fd = os.open(plan.disk_path, os.O_RDONLY | os.O_CLOEXEC)
        undo.callback(os.close, disk_fd)
        state = _run(replace(plan, ram_fd=ram_fd, words=plan.words + _WORD), may_go_on)
        fcntl.fcntl(ram_fd, fcntl.F_ADD_SEALS, _SEALS)
        undo.pop_all()
    return Saved(ram_fd, disk_fd, state, plan.accelerator)


def _run(plan: qemu.Plan, may_go_on: Callable[[], bool]) -> bytes:
    """Boot, save, and end it; the state of its devices."""
    said: list[str] = []

    def hear(frame: Frame) -> None:
        said.append(frame.kind)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        started = qemu.start(plan)
        agent, monitor = Agent(started.agent, hear), Monitor(started.monitor)
        try:
            _until(lambda: bool({"V", "H"} & set(said)), [agent, monitor], may_go_on)
            if "V" not in said:
                raise NotSaved("the image was built by an earlier Slipway")
            monitor.save(theirs.fileno())
            theirs.close()
            state = bytearray()
            _until(lambda: _take(ours, state), [ours, monitor], may_go_on)
            _until(lambda: monitor.saving in {"completed", "failed"}, [monitor], may_go_on)
            if monitor.saving == "failed":
                raise NotSaved("qemu could not save it")
            return bytes(state)
        finally:
            _end(started, monitor, agent)


def _end(started: qemu.Started, *talks: Agent | Monitor | socket.socket) -> None:
    started.process.kill()
    started.process.wait()
    os.close(started.console_fd)
    for talk in talks:
        talk.close()


def _next_data(fd: int, begin: int) -> int | None:
    """Where a file's next data are; None behind its last ones."""
    try:
        return os.lseek(fd, begin, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def _take(sock: socket.socket, state: bytearray) -> bool:
    """Take what has come; whether that was all."""
    with suppress(BlockingIOError):
        data = sock.recv(1 << 20, socket.MSG_DONTWAIT)
        state += data
        if len(state) > _STATE_BYTES:
            raise NotSaved("its state has no end")
        return not data
    return False


def _until(
    is_so: Callable[[], bool],
    talks: list[Agent | Monitor | socket.socket],
    may_go_on: Callable[[], bool],
) -> None:
    """Listen until something is so.

    Raises:
        NotSaved: it will not be.
    """
    poll = select.poll()  # select(2) knows no descriptor above 1023
    by_fd = {talk.fileno(): talk for talk in talks}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    while not is_so():
        if not may_go_on():
            raise NotSaved("it was given up, or took too long")
        for fd, _ in poll.poll(_LOOK_S * 1000):
            talk = by_fd[fd]
            if isinstance(talk, Agent | Monitor) and not talk.read():
                raise NotSaved("qemu has ended")
