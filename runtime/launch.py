"""How a row's process is born: forked, shut in, and given nothing but what its row names."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runtime import confine

if TYPE_CHECKING:
    from runtime.rows import Row

_URGENT_PRIORITY = 1  # of 99: before everything ordinary, after what the kernel itself runs so
_URGENT_NICE = -15
_OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


def spawn(row: Row, *, own_terminal: bool = False) -> tuple[int, int]:
    """Start a row's process.

    Args:
        row: what, as whom.
        own_terminal: it may use ours, as a command that a person typed; else it has a session of
            its own, so that Ctrl-C reaches only the supervisor.

    Returns:
        Its pid, and a descriptor of its output for one that is confined, else -1.
    """
    parent = os.getpid()
    piped = row.confinement is not None and not own_terminal
    read_fd, write_fd = os.pipe() if piped else (-1, -1)
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _become(row, parent, write_fd, own_terminal=own_terminal)
        except BaseException as error:  # noqa: BLE001 - a forked child may not go on as its parent
            sys.stderr.write(f"{row.name}: {error}\n")
            sys.stderr.flush()
        os._exit(127)
    if piped:
        os.close(write_fd)
    return pid, read_fd


def _become(row: Row, parent: int, output_fd: int, *, own_terminal: bool) -> None:
    for number in _OURS:
        signal.signal(number, signal.SIG_DFL)
    if not own_terminal:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if output_fd >= 0:
        os.dup2(output_fd, 1)
        os.dup2(output_fd, 2)
    _keep_only(row.fds)
    os.chdir(confine.CHECKOUT)
    if row.is_urgent:
        go_first()
    if row.confinement:
        os.umask(0o077)
        confine.enter(row.confinement)
        os.chdir(row.env["PYTHONPATH"])
    confine.die_with_parent(parent, row.death_signal)
    os.execve(row.argv[0], row.argv, row.env)  # noqa: S606 - a shell is what we do without


def go_first() -> None:
    """Let this process run before any ordinary one, or as soon as the kernel allows.

    It must sleep most of the time. What it forks is ordinary again. Where the cgroup has no
    real-time share (or we may not ask), a lower nice value says the same, more softly.
    """
    try:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(_URGENT_PRIORITY))
    except OSError:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, _URGENT_NICE)


def _keep_only(fds: tuple[int, ...]) -> None:
    """Leave nothing open for the new program but these: our own starter may have left us some."""
    for fd in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if fd > 2:  # input, output and errors stay
            with suppress(OSError):  # the listing's own is closed by now
                os.set_inheritable(fd, fd in fds)
