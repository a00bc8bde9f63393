"""Boots one machine: tries until its guest is at a prompt, and says in words why none came up."""

from __future__ import annotations

import os
import platform
import socket
import time
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import TYPE_CHECKING

import structlog

from runtime.container.crun import Shell
from runtime.image import boot as image_boot
from runtime.kernel import processes, tsc
from runtime.labs import life, state
from runtime.labs.saves import Saves
from runtime.limits.amounts import Limits
from runtime.machine import disk, qemu, saved
from runtime.machine.agent import Agent, Frame
from runtime.machine.link import Link
from runtime.machine.monitor import Monitor
from runtime.machine.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runtime.deposits import Deposits
    from runtime.image.store import Image
    from runtime.kernel.spawn import Process
    from runtime.labs.parts import Parts
    from runtime.labs.state import Lab
    from runtime.machine.accelerator import Accelerator
    from runtime.machine.link import Listener
    from runtime.machine.record import Reason

log = structlog.get_logger()

DEPOSIT = "machine:"
LEAST_BYTES = 128 << 20  # below it Debian's kernel has no room for itself and a shell
# A boot takes some three seconds of a processor, emulated. One that hangs spins: by what it has
# used it is told from one that waits for its share of a busy server.
_SPENT_S = {"tcg": 15.0, "kvm": 5.0}
_PATIENCE_S = 180.0
_SIZE = (24, 80)
_LOOK_S = 0.5
_MOST = 1 << 42  # KiB; what a page can still count in bytes
_ATTEMPTS: dict[str, tuple[qemu.Board, ...]] = {
    "cold": ("microvm", "microvm", "q35"),
    "resumed": (saved.BOARD, saved.BOARD),
}
_SAVING = "A machine is booted and saved first, once; yours goes on from it."


@dataclass
class Live:
    """A machine that runs, or is being booted."""

    lab: Lab
    record: Record
    link: Link | None = None
    process: Process | None = None
    figures: tuple[int, ...] = ()
    exit_word: str = ""
    has_ended: bool = False
    began: float = 0.0
    init_ms: float = 0.0
    changed: Condition = field(default_factory=Condition)
    guard: Lock = field(default_factory=Lock)

    @property
    def is_decided(self) -> bool:
        """Whether this attempt has come to its end, at the prompt or before."""
        return self.has_ended or "shell" in self.record.stages_ms


class Refused(Exception):
    """No machine came up.

    Attributes:
        reason: for the record.
        sentence: for the learner.
    """

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


class Booter:
    """Makes a machine out of an image and a lab.

    Args:
        parts: the rooms.
        deposits: keeps what ties us to a machine.
        listener: hears what it says.
        accelerator: who runs its instructions.
        tell: called at each stage.
        on_end: called when its qemu is over.
    """

    def __init__(
        self,
        parts: Parts,
        deposits: Deposits,
        listener: Listener,
        accelerator: Accelerator,
        tell: Callable[[Live], None],
        on_end: Callable[[Live], None],
    ) -> None:
        self._parts = parts
        self._deposits = deposits
        self._listener = listener
        self._accelerator = accelerator
        self._tell = tell
        self._on_end = on_end
        self._saves = Saves(parts, self._plan_to_save, self._hope)

    def close(self) -> None:
        """Let go of the saved machines."""
        self._saves.close()

    def folder(self, lab_id: str) -> Path:
        """Where a machine's disk and qemu's own words are."""
        return self._parts.folder(lab_id) / "machine"

    def limits(self, live: Live) -> Limits:
        """What a machine may use: what the container may, and what qemu needs beside the guest."""
        memory_bytes = live.record.memory_bytes + qemu.OVERHEAD_BYTES
        return Limits(memory_bytes, qemu.PIDS, live.lab.shape.limits.cpu_cores)

    def boot(self, live: Live, image: Image, size: tuple[int, int]) -> None:
        """Boot until the guest is at its prompt.

        Args:
            live: whose state is `booting`.
            image: the lab's.
            size: rows and columns of its console.

        Raises:
            Refused: it isn't, and nothing of it runs any more.
        """
        if not qemu.fits_processor():
            raise Refused(
                "processor",
                f"Machines need a server with an {qemu.ARCHITECTURE} processor, and this one's is "
                f"{platform.machine()}. Your container goes on.",
            )
        if not qemu.is_installed():
            raise Refused(
                "missing",
                "This server has no qemu, the program that runs machines. Whoever runs it installs "
                "the package qemu-system-x86. Your container goes on.",
            )
        folder = image.rootfs_path.parent
        if not image_boot.is_bootable(folder):
            raise Refused(
                "no-kernel",
                f"The image {image.name} has no kernel, so nothing can boot it. "
                "Whoever runs the server builds it anew with "
                f"`./slipway image build --again {image.name}`. Your container goes on.",
            )
        _check_memory(live.record.memory_bytes)
        attempts = _ATTEMPTS[live.record.how]
        for board in attempts:
            with live.guard:
                if live.record.state != "booting":  # it is being ended
                    return
                self._attempt(live, image, board, size)
            if self._wait(live) or live.record.state != "booting":
                return
            log.warning(
                "machine.attempt_failed", lab=live.lab.id, board=board, log=self._said(live.lab.id)
            )
            self._check_why(live)
            self.clear(live)
            live.has_ended = False
            live.record.stages_ms = {}
        if live.record.how == "resumed":  # it may be what they go on from
            self._saves.forget()
        raise Refused(
            "never-ready",
            f"The machine never reached its prompt, in {len(attempts)} tries. "
            "Your container goes on; boot it again when the server is less busy.",
        )

    def clear(self, live: Live) -> None:
        """Make sure that nothing of a machine runs, and let go of it."""
        with live.guard:
            life.end_machine(self._parts, live.lab.id)
            if live.link is not None:
                self._listener.discard(live.link)
                live.link = None
            if live.process is not None:
                live.process.wait()
                live.process = None
            self._deposits.drop(DEPOSIT + live.lab.id)
            (self.folder(live.lab.id) / "disk").unlink(missing_ok=True)
            live.record.pid = 0

    def adopt(self, live: Live) -> bool:
        """Go on with a machine that ran on without us; False where that can't be."""
        kept = self._deposits.find(DEPOSIT + live.lab.id)
        record = live.record
        alive = processes.start_ticks(record.pid) == record.started_ticks != 0
        if kept is None or len(kept.fds) != 3 or not alive or record.state != "ready":
            return False
        sockets = [socket.socket(fileno=os.dup(fd)) for fd in kept.fds[:2]]
        agent = Agent(sockets[0], lambda frame: self._hear(live, frame), in_step=False)
        monitor = Monitor(sockets[1], is_new=False)
        self._tie(live, agent, monitor, kept.fds[2])
        agent.resume()
        agent.tell_time()
        self._wake(live)
        return True

    def _attempt(self, live: Live, image: Image, board: qemu.Board, size: tuple[int, int]) -> None:
        lab, record = live.lab, live.record
        live.began = time.monotonic()  # the learner also waits for the first verdict on KVM
        record.accelerator = self._chosen()
        record.board = board
        if record.how == "cold":
            plan = self._plan(live, image, size)
            disk.make(plan.disk_path, record.disk_limit_bytes, record.uid)
            started = qemu.start(plan)
            monitor = Monitor(started.monitor)
        else:
            started, monitor = self._go_on(live, image, size)
        live.process = started.process
        record.pid = started.process.pid
        record.started_ticks = processes.start_ticks(record.pid)
        copies = [os.dup(started.agent.fileno()), os.dup(started.monitor.fileno())]
        copies.append(os.dup(started.console_fd))
        self._deposits.put(DEPOSIT + lab.id, copies)
        console_fd = os.dup(started.console_fd)
        self._parts.terminals.open_console(lab.id, Shell(started.console_fd, record.pid))
        try:
            agent = Agent(started.agent, lambda frame: self._hear(live, frame))
            self._tie(live, agent, monitor, console_fd)
            if record.how == "resumed":
                saved.wake(agent, record.hostname, size)
        finally:
            os.close(console_fd)
        self._tell(live)

    def _go_on(
        self, live: Live, image: Image, size: tuple[int, int]
    ) -> tuple[qemu.Started, Monitor]:
        """Start a machine that goes on from a saved one; the time counts from when that is there.

        Raises:
            Refused: there is none, and none could be made.
        """
        lab, record = live.lab, live.record
        record.sentence = _SAVING
        self._tell(live)
        try:
            with self._saves.lent(
                lab, image, self._chosen(), lambda: record.state == "booting"
            ) as from_this:
                record.sentence = ""
                record.started_at, live.began = time.time(), time.monotonic()
                plan = self._plan(live, image, size)
                from_this.copy_disk(plan.disk_path, record.uid)
                return from_this.start(plan)
        except saved.NotSaved as error:
            log.warning("machine.not_saved", lab=lab.id, why=str(error))
            raise Refused(
                "never-ready",
                "No machine came so far that yours could go on from it. Your container goes on; "
                "boot the machine cold.",
            ) from error

    def _chosen(self) -> qemu.Accelerator:
        return "kvm" if self._accelerator.verdict().is_good else "tcg"

    def _plan_to_save(self, lab: Lab, image: Image) -> qemu.Plan:
        limits = lab.shape.limits
        record = Record(
            lab=lab.id,
            hostname="saved",
            memory_bytes=limits.memory_bytes,
            disk_limit_bytes=limits.disk_bytes,
            uid=lab.machine_uid,
            accelerator=self._chosen(),
            board=saved.BOARD,
        )
        return self._plan(Live(lab, record), image, _SIZE)

    def _plan(self, live: Live, image: Image, size: tuple[int, int]) -> qemu.Plan:
        """What qemu is told; its folder and its cgroup are there afterwards."""
        lab, record = live.lab, live.record
        user, is_kvm = lab.user, record.accelerator == "kvm"
        folder = self.folder(lab.id)
        folder.mkdir(exist_ok=True)
        return qemu.Plan(
            folder=image.rootfs_path.parent / image_boot.FOLDER,
            disk_path=folder / "disk",
            log_path=folder / "log",
            memory_bytes=record.memory_bytes,
            accelerator="kvm" if is_kvm else "tcg",
            board="q35" if record.board == "q35" else "microvm",
            uid=record.uid,
            groups=self._accelerator.groups() if is_kvm else (),
            tsc_khz=tsc.khz() or 0,
            words=f"slip.host={record.hostname} slip.rows={size[0]} slip.cols={size[1]} "
            f"slip.user={user.name}:{user.uid}:{user.gid}:{user.home}:{user.shell}",
            size=size,
            cgroups=self._parts.place.make(state.machine_group(lab.id), self.limits(live)),
        )

    def _tie(self, live: Live, agent: Agent, monitor: Monitor, console_fd: int) -> None:
        pidfd = os.pidfd_open(live.record.pid)
        live.link = Link(
            agent, monitor, pidfd, console_fd, lambda: live.lab.is_paused, lambda: self._over(live)
        )
        self._listener.add(live.link)

    def _wait(self, live: Live) -> bool:
        """Wait for the prompt; a guest that came up with KVM once is trusted from then on."""
        may_go_on = self._hope(state.machine_group(live.lab.id), self._chosen())
        with live.changed:
            while not live.changed.wait_for(lambda: live.is_decided, _LOOK_S) and may_go_on():
                pass
            is_up = live.is_decided and not live.has_ended
        if not is_up and live.record.accelerator == "kvm":
            self._accelerator.refuse("A guest did not reach its prompt in time.")
        if is_up:
            self._wake(live)
        return is_up

    def _hope(self, group: str, accelerator: qemu.Accelerator) -> Callable[[], bool]:
        """Whether a boot that begins now may still come to its end, asked again and again."""
        limit_s, deadline = _SPENT_S[accelerator], time.monotonic() + _PATIENCE_S

        def is_hopeful() -> bool:
            spent_s = self._parts.place.cpu_seconds(group)
            return spent_s <= limit_s and time.monotonic() <= deadline

        return is_hopeful

    def _wake(self, live: Live) -> None:
        if live.link is not None:
            live.link.is_awake = True

    def _check_why(self, live: Live) -> None:
        """What another try wouldn't mend.

        Raises:
            Refused: with the reason.
        """
        if self._parts.place.hits(state.machine_group(live.lab.id)).memory_kills:
            raise Refused(
                "memory",
                "The machine was ended while it booted: it met its limit of memory. "
                "Your container goes on.",
            )

    def _said(self, lab_id: str) -> str:
        try:
            return (self.folder(lab_id) / "log").read_text(errors="replace")[-1000:]
        except OSError:
            return ""

    def _hear(self, live: Live, frame: Frame) -> None:
        words = frame.payload.decode(errors="replace").split()
        try:
            match frame.kind:
                case "H":
                    self._greeted(live, float(words[0]), float(words[1]), words[2:4])
                case "R":
                    self._is_ready(live, float(words[0]), float(words[1]))
                case "B":
                    live.exit_word = words[0][:16]
                case "T":
                    live.figures = tuple(_figure(word) for word in words[:6])
                case _:
                    return
        except (ValueError, IndexError):  # root in there speaks in process 1's place
            return

    def _greeted(self, live: Live, init_ms: float, now_ms: float, words: list[str]) -> None:
        if "hypervisor" in live.record.stages_ms:
            return
        passed_ms = (time.monotonic() - live.began) * 1000
        live.init_ms = init_ms
        live.record.pass_stages(hypervisor=max(passed_ms - now_ms, 0.0))
        if live.record.how == "cold":
            live.record.pass_stages(kernel=init_ms)
        live.record.release = words[0][:64]
        live.record.boot_id = words[1][:64]
        self._tell(live)

    def _is_ready(self, live: Live, shell_ms: float, now_ms: float) -> None:
        if "shell" in live.record.stages_ms or "hypervisor" not in live.record.stages_ms:
            return
        with live.changed:
            live.record.pass_stages(init=shell_ms - live.init_ms, shell=now_ms - shell_ms)
            live.changed.notify_all()

    def _over(self, live: Live) -> None:
        with live.changed:
            live.has_ended = True
            live.changed.notify_all()
        self._on_end(live)


def _figure(word: str) -> int:
    """A number that a guest says of itself, if it is one that a page can show."""
    number = int(word[:20])
    if not 0 <= number < _MOST:
        raise ValueError(word)
    return number


def _check_memory(memory_bytes: int) -> None:
    if memory_bytes < LEAST_BYTES:
        raise Refused(
            "memory",
            f"A machine needs at least {LEAST_BYTES >> 20} MB of memory, for a kernel of its own; "
            f"this workshop gives {memory_bytes >> 20} MB. Your container goes on.",
        )
