"""The folders of one server: made, locked against a second one, and taken away again."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from runtime import users
from runtime.instance import ACCELERATOR
from runtime.kernel.processes import parent
from runtime.limits import ids
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runtime.instance import Instance

# Handed from the supervisor to the daemon: the lock lives as long as either of them.
LOCK_VARIABLE = "SLIPWAY_LOCK_FD"
SUPERVISOR = "supervisor"
_POLL_S = 0.05
# How long a command of the web's takes at most, on a busy machine.
_COMMAND_S = 10.0


def make(instance: Instance) -> None:
    """Make what a server of this instance writes to; harmless when it is there.

    Raises:
        Problem: `data-unwritable`, `not-root`.
    """
    if os.geteuid() != 0:
        raise Problem(
            "not-root",
            "Slipway makes containers, and only root may do that here.",
            "Start it with sudo.",
        )
    try:
        instance.data_path.mkdir(mode=0o711, parents=True, exist_ok=True)
        instance.runtime_path.mkdir(exist_ok=True)
        instance.runtime_path.chmod(0o700)
        instance.web_path.mkdir(mode=0o700, exist_ok=True)
        (instance.data_path / "lock").touch()
    except OSError as error:
        raise _unwritable(instance, error) from error
    instance.run_path.mkdir(mode=0o711, parents=True, exist_ok=True)


def lock(instance: Instance, patience_s: float) -> int:
    """Take the data folder's lock, or the one that the supervisor took for us.

    Args:
        instance: whose data folder.
        patience_s: how long to wait for a short-lived holder, such as a command without a server.

    Returns:
        The descriptor that holds it; the lock ends with its last copy.

    Raises:
        Problem: `data-in-use`, with the process that has it; `data-unwritable` on a full disk.
    """
    if inherited := os.environ.pop(LOCK_VARIABLE, ""):
        fd = int(inherited)
        os.set_inheritable(fd, False)  # noqa: FBT003 - the standard library's own signature
        return fd
    path = instance.data_path / "lock"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _lock_within(fd, patience_s):
        os.close(fd)
        raise _in_use(path)
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
    except OSError as error:
        os.close(fd)
        clean_run(instance)
        raise _unwritable(instance, error) from error
    return fd


def use_run(instance: Instance) -> int:
    """Make the folder in /run and keep it there: a folder that goes takes along what is mounted.

    Returns:
        The descriptor that keeps it; whoever closes it tries `clean_run`.

    Raises:
        Problem: as `make` does.
    """
    while True:
        make(instance)
        with suppress(FileNotFoundError):  # removed since
            fd = os.open(instance.run_path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(fd, fcntl.LOCK_SH)
            if instance.run_path.exists() and instance.run_path.samefile(f"/proc/self/fd/{fd}"):
                return fd
            os.close(fd)


def remove_run(instance: Instance) -> None:
    """Take away what lay in /run, and the user ids: nothing of this instance lives any more.

    A command of the web's that still runs there is waited for; if it takes longer, it does this.
    """
    with suppress(FileNotFoundError):
        fd = os.open(instance.run_path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not _lock_within(fd, _COMMAND_S):
                return
            shutil.rmtree(instance.run_path, ignore_errors=True)
        finally:
            os.close(fd)
    ids.release(owner(instance))
    leave_machine(instance.run_path.parent)


def leave_machine(shared: Path) -> None:
    """Take away what the servers of a machine share in /run, once none of them is left.

    Args:
        shared: the folder that holds a folder for each of them.
    """
    claims, accelerator = shared / ids.CLAIMS.name, shared / ACCELERATOR.name
    with suppress(OSError):  # another one has come
        if {claims, accelerator}.issuperset(shared.iterdir()):
            claims.rmdir()
            accelerator.unlink(missing_ok=True)
            shared.rmdir()


def clean_run(instance: Instance) -> None:
    """Remove what lay in /run, unless a keeper is there: then labs live and need it."""
    if not instance.keeper_socket.exists():
        remove_run(instance)


def leave_run(instance: Instance) -> None:
    """Take the folder in /run away again where a start came to nothing and nobody else uses it."""
    with suppress(OSError):
        instance.run_path.rmdir()


def note_address(instance: Instance, host: str, port: int) -> None:
    """Remember where the server listens, for commands that print links."""
    (instance.run_path / "address").write_text(f"{host} {port}")


def address(instance: Instance) -> tuple[str, int] | None:
    """Where the server of this instance listens; None where none has been started."""
    try:
        host, port = (instance.run_path / "address").read_text().split()
    except FileNotFoundError:
        return None
    return host, int(port)


def note_processes(instance: Instance, pids: Mapping[str, int]) -> None:
    """Remember which process is which, for whoever watches the server."""
    path = instance.run_path / "processes"
    new = path.with_suffix(".new")
    new.write_text("".join(f"{name} {pid}\n" for name, pid in pids.items()))
    new.replace(path)


def processes(instance: Instance) -> dict[str, int]:
    """Which process is which, as the supervisor wrote it down, without those that have ended.

    A number is used again; so the supervisor's counts only while the data folder's lock bears it,
    and the others' while it is their parent.
    """
    try:
        lines = (instance.run_path / "processes").read_text().splitlines()
        holder = (instance.data_path / "lock").read_text().strip()
    except FileNotFoundError:
        return {}
    pids = {name: int(pid) for name, _, pid in (line.partition(" ") for line in lines)}
    head = pids.get(SUPERVISOR, 0)
    if str(head) != holder:
        return {}
    return {name: pid for name, pid in pids.items() if pid == head or parent(pid) == head}


def uids(instance: Instance) -> users.Uids:
    """The user ids of its processes.

    Those of the installed server's own users where this is it, else claimed for this instance.

    Raises:
        Problem: `ids-full`.
    """
    return users.installed(instance.id) or users.Uids.from_first(ids.claim(owner(instance)))


def owner(instance: Instance) -> str:
    """The name under which the user ids of its processes are claimed."""
    return f"{instance.id}/instance"


def _lock_within(fd: int, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not _try_lock(fd):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _unwritable(instance: Instance, error: OSError) -> Problem:
    return Problem(
        "data-unwritable",
        f"The data folder {instance.data_path} can't be written: {error.strerror}.",
        "Choose another with --data, or mend its file system.",
    )


def _in_use(path: Path) -> Problem:
    holder = path.read_text().strip() or "?"
    return Problem(
        "data-in-use",
        f"The data folder {path.parent} is another server's (process {holder}).",
        "Stop that one, or choose another folder with --data.",
    )
