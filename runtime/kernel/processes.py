"""One process and no other: a number alone may be used again."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.kernel import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator

_END_TIMEOUT_S = 10
_TICKS_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def start_ticks(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 where there is none.

    With its pid it names one process for ever, also when the number is used again.
    """
    try:
        return int(_stat(pid)[19])
    except OSError:
        return 0


def parent(pid: int) -> int:
    """Who started a process, or took it over; 0 where there is none."""
    try:
        return int(_stat(pid)[1])
    except OSError:
        return 0


def costs(pid: int) -> dict[str, int | float]:
    """What a process takes of the machine, and when it began.

    Returns:
        `pid`; `started_at` (unix seconds); `cpu_seconds`; `memory_bytes`, its resident pages,
        those among them that it shares with others; `threads`; `descriptors` that are open.

    Raises:
        OSError: it has ended, or isn't ours to look at.
    """
    stat = _stat(pid)
    now, since_boot_s = time.time(), time.clock_gettime(time.CLOCK_BOOTTIME)
    return {
        "pid": pid,
        "started_at": now - since_boot_s + int(stat[19]) / _TICKS_S,
        "cpu_seconds": (int(stat[11]) + int(stat[12])) / _TICKS_S,
        "memory_bytes": int(stat[21]) * _PAGE_BYTES,
        "threads": int(stat[17]),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208 - their number, no more
    }


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on, its state.

    The program's name before it is in brackets and may hold anything, so count from the last one.
    """
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def boot_id() -> str:
    """Which start of this machine it is: no process is older, and no number of before counts."""
    return _BOOT_ID.read_text().strip()


def signal_member(pid: int, group: str, number: int) -> None:
    """Signal a process of a cgroup; nothing happens where the number is another's by now.

    Numbers are soon used again where somebody forks all the time, and a list of them is old when
    it has been read.

    Args:
        pid: as the cgroup listed it.
        group: the end of its path, such as `slipway-1a2b3c/0123abcd`.
        number: of the signal.
    """
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:  # it is gone, or names a thread by now
        return
    try:
        with suppress(FileNotFoundError, ProcessLookupError):
            if f"/{group}" in Path(f"/proc/{pid}/cgroup").read_text():
                signal.pidfd_send_signal(pidfd, number)
    finally:
        os.close(pidfd)


def end(pid: int, started_ticks: int) -> None:
    """Kill a process and wait for its end; nothing happens where the number is another's by now."""
    if started_ticks == 0:
        return
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if start_ticks(pid) == started_ticks:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            poll = select.poll()
            poll.register(pidfd, select.POLLIN)
            poll.poll(_END_TIMEOUT_S * 1000)
    finally:
        os.close(pidfd)


def descriptor_folders(pid: int) -> Iterator[str]:
    """Where /proc lists what a process has open.

    Its threads share one table, but each may have one of its own (unshare(2), CLONE_FILES), and the
    first thread, whose table is the process's to /proc, may have ended.

    Raises:
        OSError: it has ended.
    """
    before = 0
    for tid in map(int, os.listdir(f"/proc/{pid}/task")):  # noqa: PTH208 - a Path for each of many
        if not before or not _share_descriptors(before, tid):
            yield f"/proc/{pid}/task/{tid}/fd"
        before = tid


def _share_descriptors(tid: int, other_tid: int) -> bool:
    try:
        return syscalls.kcmp(tid, other_tid, syscalls.KCMP_FILES) == 0
    except OSError:  # one has ended, or the kernel wasn't made to say it
        return False
