"""Starts qemu: what it is told, who it is, and what it can't reach.

Its own user id, no capability and no way to get one, qemu's system call filter, no network, no
path of ours: kernel, disks and sockets reach it as descriptors. Its firmware and libraries it reads
like any program. Everything that it holds is also the keeper's, so it outlives us.
"""

from __future__ import annotations

import os
import platform
import pty
import socket
import termios
import tty
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from runtime.kernel import spawn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Accelerator = Literal["kvm", "tcg"]
Board = Literal["microvm", "q35"]

PROGRAM = "qemu-system-x86_64"
ARCHITECTURE = "x86_64"  # of the guests' kernel, and so of the servers that have machines
# What qemu needs beside its guest's memory: its own, and the code that it translates (tb-size).
OVERHEAD_BYTES = 96 << 20
TRANSLATION_MB = 32
PIDS = 64
_BUS = {"microvm": "device", "q35": "pci"}
# Only to shorten the start: certificates, tracing and self-tests that no lesson looks at.
_SHORTER = (
    "cryptomgr.notests audit=0 apparmor=0 lsm= random.trust_cpu=on "
    "initcall_blacklist=load_system_certificate_list,init_kprobe_trace,cubictcp_register,"
    "crypto_kdf108_init,init_encrypted"
)
# For a processor that is emulated anyway: its clock is told, and faults of real ones aren't there.
_EMULATED = "tsc_early_khz={tsc_khz} tsc=reliable no_timer_check nokaslr mitigations=off"
# A server's disk that is full is an I/O error in there; by itself qemu would stop the guest.
_DRIVE = "if=none,format=raw,file.locking=off,aio=threads,werror=report,rerror=report"
_SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
# Into the cgroups first, so that nothing of it was ever outside; `$$` stays qemu's pid.
_JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1" || exit 97; shift; done; shift; exec "$@"'


@dataclass(frozen=True)
class Plan:
    """One machine, before it runs.

    Attributes:
        folder: of the image's kernel, initramfs and root.
        disk_path: the machine's own layer.
        log_path: where qemu's own words go.
        memory_bytes: of the guest.
        accelerator: who runs its instructions: the processor (`kvm`), or qemu (`tcg`).
        board: the kind of machine that is shown to it.
        uid: the server's id that qemu runs under.
        groups: further groups of it, for /dev/kvm.
        tsc_khz: the host's clock, for an emulated processor.
        words: for its process 1, on the kernel's command line.
        size: rows and columns of the console.
        cgroups: files that take the pid of a process that joins.
        ram_fd: the guest's memory as a file, of one that is saved and of those that go on from it;
            None: memory like any other program's.
        goes_on: from a saved one: what it writes to its memory is its own.
    """

    folder: Path
    disk_path: Path
    log_path: Path
    memory_bytes: int
    accelerator: Accelerator
    board: Board
    uid: int
    groups: tuple[int, ...]
    tsc_khz: int
    words: str
    size: tuple[int, int]
    cgroups: tuple[Path, ...]
    ram_fd: int | None = None
    goes_on: bool = False


class Started(NamedTuple):
    """A qemu that runs; every descriptor is the receiver's."""

    process: spawn.Process
    console_fd: int
    agent: socket.socket
    monitor: socket.socket


def start(plan: Plan) -> Started:
    """Start a machine and don't wait for it.

    Its console is a pty whose far side qemu holds, so whoever carries terminals needs to know
    nothing of machines.

    Raises:
        FileNotFoundError: a file of the image is missing.
        OSError: whatever else the kernel says.
    """
    with ExitStack() as theirs, ExitStack() as ours:
        files = [
            _opened(theirs, plan.folder / "vmlinux", os.O_RDONLY),
            _opened(theirs, plan.folder / "init.cpio", os.O_RDONLY),
            _opened(theirs, plan.folder / "root.erofs", os.O_RDONLY),
            _opened(theirs, plan.disk_path, os.O_RDWR),
        ]
        console_fd, far_fd = pty.openpty()
        ours.callback(os.close, console_fd)
        theirs.callback(os.close, far_fd)
        tty.setraw(far_fd)
        termios.tcsetwinsize(console_fd, plan.size)
        agent, far_agent = socket.socketpair()
        monitor, far_monitor = socket.socketpair()
        for each in (agent, monitor):
            ours.callback(each.close)
        for each in (far_agent, far_monitor):
            theirs.callback(each.close)
        passed = [*files, far_fd, far_agent.fileno(), far_monitor.fileno()]
        log = theirs.enter_context(plan.log_path.open("wb"))
        process = spawn.start(
            _confined(plan, command(plan, passed)),
            stdout=log.fileno(),
            stderr=log.fileno(),
            pass_fds=passed if plan.ram_fd is None else [*passed, plan.ram_fd],
            new_session=True,
        )
        ours.pop_all()
    return Started(process, console_fd, agent, monitor)


def fits_processor() -> bool:
    """Whether this server's processor is of the kind that machines are built for."""
    return platform.machine() == ARCHITECTURE


def is_installed() -> bool:
    """Whether this server has qemu at all."""
    return spawn.find(PROGRAM) is not None


def command(plan: Plan, fds: Sequence[int]) -> list[str]:
    """Give qemu's command line.

    Args:
        plan: the machine.
        fds: kernel, initramfs, root, disk, the console's far side, agent, monitor.
    """
    kernel, initramfs, root, disk, console, agent, monitor = fds
    bus = _BUS[plan.board]
    accelerator = f"tcg,thread=multi,tb-size={TRANSLATION_MB}"
    return [
        PROGRAM, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-M", plan.board if plan.ram_fd is None else f"{plan.board},memory-backend=ram",
        "-accel", "kvm" if plan.accelerator == "kvm" else accelerator,
        "-cpu", "host" if plan.accelerator == "kvm" else "max",
        "-smp", "1", "-m", f"{plan.memory_bytes >> 20}M",
        "-kernel", _path(kernel), "-initrd", _path(initramfs), "-append", kernel_words(plan),
        "-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control",
        "-device", f"virtio-serial-{bus}",
        "-add-fd", f"fd={console},set=1", "-chardev", "serial,id=console,path=/dev/fdset/1",
        "-device", "virtconsole,chardev=console",
        "-chardev", f"socket,id=agent,fd={agent}",
        "-device", "virtserialport,chardev=agent,name=slip.agent",
        "-drive", f"id=root,file={_path(root)},readonly=on,{_DRIVE}",
        "-device", f"virtio-blk-{bus},drive=root",
        "-drive", f"id=own,file={_path(disk)},discard=unmap,detect-zeroes=unmap,{_DRIVE}",
        "-device", f"virtio-blk-{bus},drive=own",
        *_memory(plan),
        "-sandbox", _SANDBOX,
    ]  # fmt: skip


def _memory(plan: Plan) -> list[str]:
    if plan.ram_fd is None:
        return ["-device", f"virtio-balloon-{_BUS[plan.board]},free-page-reporting=on"]
    # No balloon: what a guest gives back qemu would punch out of the file that all go on from.
    share = "off" if plan.goes_on else "on"
    size, path = f"{plan.memory_bytes >> 20}M", _path(plan.ram_fd)
    file = f"memory-backend-file,id=ram,size={size},mem-path={path},share={share}"
    return ["-object", file, *(("-incoming", "defer") if plan.goes_on else ())]


def kernel_words(plan: Plan) -> str:
    """Give the kernel's command line; a learner reads it in /proc/cmdline."""
    emulated = _EMULATED.format(tsc_khz=plan.tsc_khz) if plan.accelerator == "tcg" else ""
    words = f"console=hvc0 loglevel=4 panic=-1 {_SHORTER} {emulated} {plan.words}"
    return " ".join(words.split())


def _confined(plan: Plan, argv: list[str]) -> list[str]:
    groups = ",".join(str(gid) for gid in plan.groups)
    return [
        "sh", "-c", _JOIN, "sh", *(str(path) for path in plan.cgroups), "--",
        "unshare", "--net", "--ipc", "--uts", "--mount", "--",
        "setpriv", f"--reuid={plan.uid}", f"--regid={plan.uid}",
        f"--groups={groups}" if groups else "--clear-groups",
        "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", "--",
        *argv,
    ]  # fmt: skip


def _opened(opened: ExitStack, path: Path, flags: int) -> int:
    fd = os.open(path, flags | os.O_CLOEXEC)
    opened.callback(os.close, fd)
    return fd


def _path(fd: int) -> str:
    # Opened through its descriptor: the folders above are root's alone.
    return f"/proc/self/fd/{fd}"
