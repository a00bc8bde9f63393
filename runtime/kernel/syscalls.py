"""System calls by their names in section 2 of the manual; they raise OSError and decide nothing.

Python has no wrapper for the mount API of Linux 5.2 and later, so these go through libc's
`syscall`. The numbers from 424 on are the same on every architecture.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18
MS_SHARED = 1 << 20

MNT_DETACH = 2

OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC

MOVE_MOUNT_F_EMPTY_PATH = 4
MOVE_MOUNT_T_EMPTY_PATH = 0x40

MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR_IDMAP = 0x100000

FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_SET_FD = 5
FSCONFIG_CMD_CREATE = 6

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08

RENAME_EXCHANGE = 2

KCMP_FILES = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 4

_TIMEX_BYTES = 208  # `struct timex` where a long has 64 bits
_TIME_ERROR = 5

_OPEN_TREE = 428
_MOVE_MOUNT = 429
_FSOPEN = 430
_FSCONFIG = 431
_FSMOUNT = 432
_MOUNT_SETATTR = 442
_OPENAT2 = 437
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_KCMP = {"x86_64": 312, "aarch64": 272}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class MountAttr(ctypes.Structure):
    """`struct mount_attr` of mount_setattr(2)."""

    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


class OpenHow(ctypes.Structure):
    """`struct open_how` of openat2(2)."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def _checked(result: int, call: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def _syscall(call: str, number: int, *args: object) -> int:
    return _checked(_libc.syscall(ctypes.c_long(number), *args), call)


def unshare(flags: int) -> None:
    """unshare(2)."""
    _checked(_libc.unshare(flags), "unshare")


def setns(fd: int, flags: int) -> None:
    """setns(2); `fd` may be a pidfd, then `flags` may name several namespaces."""
    _checked(_libc.setns(fd, flags), "setns")


def mount(source: str, target: str, fstype: str, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    _checked(
        _libc.mount(
            source.encode(), target.encode(), fstype.encode(), ctypes.c_ulong(flags), data.encode()
        ),
        f"mount {target}",
    )


def umount2(target: str, flags: int = 0) -> None:
    """umount2(2)."""
    _checked(_libc.umount2(target.encode(), flags), f"umount2 {target}")


def is_clock_kept() -> bool:
    """adjtimex(2), changing nothing: whether the kernel knows of somebody who keeps the clock."""
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)  # its first field, what to change, is 0
    state = int(_libc.adjtimex(timex))
    return 0 <= state != _TIME_ERROR


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2)."""
    number = _PIVOT_ROOT[os.uname().machine]
    _syscall("pivot_root", number, new_root.encode(), put_old.encode())


def exchange(one: Path, other: Path) -> None:
    """renameat2(2): two names of one file system change places, in one step."""
    names = (os.fsencode(one), AT_FDCWD, os.fsencode(other))
    _checked(_libc.renameat2(AT_FDCWD, *names, RENAME_EXCHANGE), f"renameat2 {one}")


def openat2(dirfd: int, path: str, flags: int, mode: int = 0, resolve: int = 0) -> int:
    """Open a file with a say in how its path is walked; the caller closes it."""
    how = OpenHow(flags | os.O_CLOEXEC, mode, resolve)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    return _syscall("openat2", _OPENAT2, dirfd, os.fsencode(path), ctypes.byref(how), size)


def open_tree(dirfd: int, path: str, flags: int) -> int:
    """open_tree(2); the descriptor is the caller's and closes on exec."""
    return _syscall("open_tree", _OPEN_TREE, dirfd, path.encode(), flags | OPEN_TREE_CLOEXEC)


def move_mount(from_fd: int, to_fd: int, to_path: str) -> None:
    """move_mount(2) of a detached mount onto a path below `to_fd`, or with none onto `to_fd`."""
    flags = MOVE_MOUNT_F_EMPTY_PATH | (0 if to_path else MOVE_MOUNT_T_EMPTY_PATH)
    _syscall("move_mount", _MOVE_MOUNT, from_fd, b"", to_fd, to_path.encode(), flags)


def mount_setattr(tree_fd: int, set_flags: int, userns_fd: int = 0, *, recursive: bool) -> None:
    """mount_setattr(2) on the mount that `tree_fd` is the root of."""
    attr = MountAttr(set_flags, 0, 0, userns_fd)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    size = ctypes.c_size_t(ctypes.sizeof(attr))
    _syscall("mount_setattr", _MOUNT_SETATTR, tree_fd, b"", flags, ctypes.byref(attr), size)


def fsopen(fstype: str) -> int:
    """fsopen(2); the descriptor is the caller's."""
    return _syscall("fsopen", _FSOPEN, fstype.encode(), FSOPEN_CLOEXEC)


def fsconfig_string(fs_fd: int, key: str, value: str) -> None:
    """fsconfig(2), FSCONFIG_SET_STRING."""
    _syscall(
        f"fsconfig {key}", _FSCONFIG, fs_fd, FSCONFIG_SET_STRING, key.encode(), value.encode(), 0
    )


def fsconfig_fd(fs_fd: int, key: str, fd: int) -> None:
    """fsconfig(2), FSCONFIG_SET_FD; `fd` stays the caller's."""
    _syscall(f"fsconfig {key}", _FSCONFIG, fs_fd, FSCONFIG_SET_FD, key.encode(), None, fd)


def fsconfig_create(fs_fd: int) -> None:
    """fsconfig(2), FSCONFIG_CMD_CREATE."""
    _syscall("fsconfig create", _FSCONFIG, fs_fd, FSCONFIG_CMD_CREATE, None, None, 0)


def fsmount(fs_fd: int, attr_flags: int = 0) -> int:
    """fsmount(2); the detached mount is the caller's."""
    return _syscall("fsmount", _FSMOUNT, fs_fd, FSMOUNT_CLOEXEC, attr_flags)


def prctl(option: int, arg2: int = 0, arg3: int = 0) -> None:
    """prctl(2)."""
    args = (ctypes.c_ulong(arg2), ctypes.c_ulong(arg3), ctypes.c_ulong(0), ctypes.c_ulong(0))
    _checked(_libc.prctl(option, *args), "prctl")


def capset(effective: int, permitted: int, inheritable: int) -> None:
    """capset(2) for the calling thread, version 3; the sets are bit masks."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    low, high = 0xFFFFFFFF, 32
    data = (ctypes.c_uint32 * 6)(
        effective & low,
        permitted & low,
        inheritable & low,
        effective >> high,
        permitted >> high,
        inheritable >> high,
    )
    _syscall("capset", _CAPSET[os.uname().machine], header, data)


def kcmp(tid1: int, tid2: int, kind: int) -> int:
    """kcmp(2) of what threads have one of, not of files; 0 where both have the same one."""
    return _syscall("kcmp", _KCMP[os.uname().machine], tid1, tid2, kind, None, None)
