"""A container's own figures in /proc, where a workshop wants them, by lxcfs.

The kernel answers `free` and its like for the whole machine. lxcfs is a file system in a program
that looks who asks, and answers with that container's limits. It is started when the first lab
wants it, and only single files of it are ever mounted (its folders could remove cgroups), read-only
in labs. It ends by itself when the last of these mounts goes: with the last lab that uses it, also
when we have been killed meanwhile.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from runtime.kernel import processes, spawn, syscalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.kernel.forked import Talk
    from runtime.kernel.forker import Forker

log = structlog.get_logger()

PROGRAM = "lxcfs"
DEVICE = Path("/dev/fuse")
FILES = ("cpuinfo", "diskstats", "loadavg", "meminfo", "stat", "swaps", "uptime")
_START_S = 5.0
_LOOK_S = 0.02


@dataclass(frozen=True)
class Figures:
    """Where a lab's figures come from.

    Attributes:
        sources: path inside the lab to the file that is mounted there; empty: the kernel's own.
        pid: of the lxcfs behind them, and `started_ticks` of it, which name it for ever.
        why: why it isn't lxcfs, in a sentence; empty where it is, or nobody asked.
    """

    sources: dict[str, Path]
    pid: int = 0
    started_ticks: int = 0
    why: str = ""


class Lxcfs:
    """The lxcfs of one runtime; safe from any thread.

    Args:
        folder: where its files are mounted for labs to take them from; ours alone.
        forker: makes the child that starts it, in a mount namespace of its own.
        confine: called with its process id, to put it where it can't take much of the server.
    """

    def __init__(self, folder: Path, forker: Forker, confine: Callable[[int], None]) -> None:
        self._folder = folder
        self._forker = forker
        self._confine = confine
        self._lock = threading.Lock()
        self._figures = Figures({})

    def figures(self) -> Figures:
        """The files for one more lab; lxcfs is started where it doesn't run.

        Never raises: a lab without it shows the server's figures, and says why.
        """
        if why := missing():
            return Figures({}, why=why)
        with self._lock:
            if not is_alive(self._figures):
                try:
                    self._figures = self._start()
                except OSError as error:
                    log.warning("lxcfs.not_started", error=str(error))
                    return Figures({}, why=f"lxcfs did not start: {error.strerror}.")
            return self._figures

    def close(self) -> None:
        """Let go of the files; labs keep theirs."""
        with self._lock:
            self._clear()
            self._figures = Figures({})

    def _start(self) -> Figures:
        self._clear()
        self._folder.mkdir(mode=0o711, exist_ok=True)
        with self._forker.call(start, {"folder": str(self._folder)}) as talk, ExitStack() as opened:
            answer, fds = talk.receive(_START_S + 1)
            for fd in fds:
                opened.callback(os.close, fd)
            self._confine(answer["pid"])
            sources = {}
            for name, fd in zip(answer["names"], fds, strict=True):
                source = self._folder / name
                source.touch(mode=0o444)
                syscalls.move_mount(fd, syscalls.AT_FDCWD, str(source))
                sources[f"/proc/{name}"] = source
        log.info("lxcfs.started", pid=answer["pid"])
        return Figures(sources, answer["pid"], processes.start_ticks(answer["pid"]))

    def _clear(self) -> None:
        for name in FILES:
            path = self._folder / name
            with suppress(OSError):  # not mounted
                syscalls.umount2(str(path), syscalls.MNT_DETACH)
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            self._folder.rmdir()


def missing() -> str:
    """Why lxcfs can't run here, in a sentence; empty where it can."""
    if spawn.find(PROGRAM) is None:
        return "lxcfs is not installed on this server."
    if not DEVICE.exists():
        return f"This server has no {DEVICE}, which lxcfs needs."
    return ""


def is_alive(figures: Figures) -> bool:
    """Whether the lxcfs behind a lab's files still answers."""
    ticks = figures.started_ticks
    return ticks != 0 and processes.start_ticks(figures.pid) == ticks


def start(talk: Talk, args: dict[str, Any], _fds: list[int]) -> None:
    """Runs in a forked child: start lxcfs, and send its files as detached mounts."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    place = Path(args["folder"])
    syscalls.mount("tmpfs", str(place), "tmpfs", 0, "size=64k")
    root = place / "root"
    root.mkdir()
    before = root.stat().st_dev
    argv = [PROGRAM, "--foreground", "--enable-cfs", "--enable-loadavg"]
    process = spawn.start([*argv, f"--pidfile={place}/pid", str(root)], new_session=True)
    looks = int(_START_S / _LOOK_S)
    while root.stat().st_dev == before and looks and process.poll() is None:
        with suppress(spawn.ProgramFailed):
            spawn.wait_ready([], process, _LOOK_S)
        looks -= 1
    if root.stat().st_dev == before:
        process.kill()
        raise OSError(0, "it mounted nothing")
    names = [name for name in FILES if (root / "proc" / name).exists()]
    with ExitStack() as opened:
        fds = []
        for name in names:
            path = str(root / "proc" / name)
            fds.append(syscalls.open_tree(syscalls.AT_FDCWD, path, syscalls.OPEN_TREE_CLONE))
            opened.callback(os.close, fds[-1])
        # Whoever stays in this namespace, lxcfs itself, shall not keep its own mounts alive.
        syscalls.umount2(str(root), syscalls.MNT_DETACH)
        talk.send({"pid": process.pid, "names": names}, fds)


def detach(talk: Talk, args: dict[str, Any], fds: list[int]) -> None:
    """Runs in a forked child: take a dead lxcfs's files out of a lab, whose own then show."""
    syscalls.setns(fds[0], syscalls.CLONE_NEWNS)
    for path in args["paths"]:
        with suppress(OSError):  # not mounted
            syscalls.umount2(path, syscalls.MNT_DETACH)
    talk.send({})
