"""One process and no other: a number alone may be used again."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

_END_TIMEOUT_S = 10
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def start_ticks(pid: int) -> int:
    """When a process began, in ticks since the machine did; 0 where there is none.

    With its pid it names one process for ever, also when the number is used again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The program's name is in brackets and may hold anything, so count from the last one.
    return int(stat.rpartition(")")[2].split()[19])


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
