"""What a process of the web's or the pump's becomes between fork and exec.

Its own mount namespace, in which everything is read-only but one folder and a private /tmp; its own
user id; no capability, and none to be had again.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runtime.kernel import syscalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.instance import Instance

CHECKOUT = Path(__file__).parents[1]
TMP_OPTIONS = "size=64m,nr_inodes=4096,mode=1777"
_LAST_CAPABILITY = Path("/proc/sys/kernel/cap_last_cap")


@dataclass(frozen=True)
class Confinement:
    """Who a process is, and the little it may touch.

    Attributes:
        uid: its user, and its group; nobody else's.
        binds: mount points (made already) and what is to be seen there.
        writable: those of the mount points that stay writable.
        hidden: folders that are empty for it, but for the mount points above.
    """

    uid: int
    binds: Mapping[Path, Path]
    writable: frozenset[Path] = field(default_factory=frozenset)
    hidden: tuple[Path, ...] = ()


def app_path(instance: Instance) -> Path:
    """Where a confined process sees the checkout: a clone in /root is closed to its user."""
    return instance.run_path / "app"


def data_path(instance: Instance) -> Path:
    """Where the web sees the data folder; only its own part is there."""
    return instance.run_path / "data"


def python(instance: Instance) -> str:
    """Our interpreter, by a path that a confined process can reach."""
    executable = Path(sys.executable)
    if executable.is_relative_to(CHECKOUT):
        return str(app_path(instance) / executable.relative_to(CHECKOUT))
    return str(executable)


def enter(confinement: Confinement) -> None:
    """Shut this process in, for good; it must be single-threaded, and about to exec.

    The death signal comes last: a change of user clears it.
    """
    _close_mounts(confinement)
    _drop_capabilities()
    os.setgroups([])
    os.setresgid(confinement.uid, confinement.uid, confinement.uid)
    os.setresuid(confinement.uid, confinement.uid, confinement.uid)
    syscalls.capset(0, 0, 0)
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent(parent_pid: int, number: signal.Signals) -> None:
    """End this process when the one that started it ends, however that happens."""
    syscalls.prctl(syscalls.PR_SET_PDEATHSIG, number)
    if os.getppid() != parent_pid:  # it has ended already, before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def _close_mounts(confinement: Confinement) -> None:
    """Make the whole tree read-only, then lay the few exceptions over it.

    The sources are taken before /tmp is covered: a data folder may lie below it.
    """
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    trees = {
        target: syscalls.open_tree(
            syscalls.AT_FDCWD, str(source), syscalls.OPEN_TREE_CLONE | syscalls.AT_RECURSIVE
        )
        for target, source in confinement.binds.items()
    }
    root_fd = syscalls.open_tree(syscalls.AT_FDCWD, "/", 0)
    syscalls.mount_setattr(root_fd, syscalls.MOUNT_ATTR_RDONLY, recursive=True)
    os.close(root_fd)
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
    for path in confinement.hidden:
        syscalls.mount("tmpfs", str(path), "tmpfs", flags | syscalls.MS_RDONLY, "size=4k,mode=0")
    syscalls.mount("tmpfs", "/tmp", "tmpfs", flags, TMP_OPTIONS)  # noqa: S108 - the private one
    for target, tree_fd in trees.items():
        attributes = syscalls.MOUNT_ATTR_NOSUID | syscalls.MOUNT_ATTR_NODEV
        if target not in confinement.writable:
            attributes |= syscalls.MOUNT_ATTR_RDONLY
        syscalls.mount_setattr(tree_fd, attributes, recursive=True)
        syscalls.move_mount(tree_fd, syscalls.AT_FDCWD, str(target))
        os.close(tree_fd)


def _drop_capabilities() -> None:
    for capability in range(int(_LAST_CAPABILITY.read_text()) + 1):
        syscalls.prctl(syscalls.PR_CAPBSET_DROP, capability)
