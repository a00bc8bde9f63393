"""Loop devices: a file as a block device, which goes away with its last user."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.kernel import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CONFIGURE = 0x4C0A
_LO_FLAGS_AUTOCLEAR = 4
# struct loop_config: descriptor, block size, struct loop_info64, eight reserved words.
_CONFIG = struct.Struct("=II QQQQQ IIII 64s64s32s16s 64s")
_TRIES = 64
_BLOCK_BYTES = 4096


def devices() -> int:
    """A view of every device node that the kernel knows; the descriptor is the caller's.

    Of our own, since a container's /dev has a few nodes, or none, and the next free loop device may
    be one without. It is mounted nowhere, so nobody can remove a node of the machine's by mistake.

    Raises:
        OSError: not allowed here.
    """
    fs_fd = syscalls.fsopen("devtmpfs")
    try:
        syscalls.fsconfig_create(fs_fd)
        return syscalls.fsmount(fs_fd)
    finally:
        os.close(fs_fd)


@contextmanager
def attached(backing_fd: int, devices_fd: int, name: str) -> Iterator[str]:
    """Make a block device of a file; inside, mount it: it is freed when nobody uses it any more.

    Args:
        backing_fd: the file, open for reading and writing; stays the caller's.
        devices_fd: from `devices`.
        name: shown by losetup(8); up to 63 bytes.

    Yields:
        The device's path, good in this process.

    Raises:
        OSError: EPERM where a container's rules forbid loop devices.

    Source: loop(4); LOOP_CONFIGURE since Linux 5.8.
    """
    device_fd, number = _configure(backing_fd, devices_fd, name)
    try:
        yield f"/proc/self/fd/{devices_fd}/loop{number}"
    finally:
        os.close(device_fd)


def try_one(devices_fd: int) -> None:
    """Find out whether loop devices may be used here.

    Raises:
        OSError: they may not.
    """
    os.close(_open_free(devices_fd)[0])


def _configure(backing_fd: int, devices_fd: int, name: str) -> tuple[int, int]:
    numbers = (0, 0, 0, 0, 0, 0, 0, 0, _LO_FLAGS_AUTOCLEAR)
    config = _CONFIG.pack(
        backing_fd, _BLOCK_BYTES, *numbers, name.encode()[:63], b"", b"", b"", b""
    )
    for _ in range(_TRIES):
        device_fd, number = _open_free(devices_fd)
        try:
            fcntl.ioctl(device_fd, _LOOP_CONFIGURE, config)
        except OSError as error:
            os.close(device_fd)
            if error.errno != errno.EBUSY:  # somebody else was given the same one
                raise
        else:
            return device_fd, number
    raise OSError(errno.EBUSY, "no loop device stayed free")


def _open_free(devices_fd: int) -> tuple[int, int]:
    control_fd = os.open("loop-control", os.O_RDWR | os.O_CLOEXEC, dir_fd=devices_fd)
    try:
        number = fcntl.ioctl(control_fd, _LOOP_CTL_GET_FREE)
    finally:
        os.close(control_fd)
    return os.open(f"loop{number}", os.O_RDWR | os.O_CLOEXEC, dir_fd=devices_fd), number
