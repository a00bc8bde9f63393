"""Paths that somebody else may have made: in a learner's layer, or in an image.

Whoever can write there can put a link in the way, also between a look and a use. So such a path is
opened by the kernel in one step, below a folder that is held, and without a single link; what is
done then is done to what was opened.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runtime.kernel import syscalls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RESOLVE = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS


@contextmanager
def folder(path: Path | str) -> Iterator[int]:
    """Hold a folder of ours, below which others have written."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def opened(top_fd: int, name: str, flags: int, mode: int = 0, *, one_mount: bool = False) -> int:
    """Open a path below a folder; the caller closes it.

    Args:
        top_fd: the folder; stays the caller's.
        name: relative to it.
        flags: of open(2).
        mode: of a file that is made.
        one_mount: enter nothing that is mounted below the folder.

    Raises:
        OSError: ELOOP where a link is in the way, EXDEV where the path leads outside.

    Source: openat2(2).
    """
    resolve = _RESOLVE | (syscalls.RESOLVE_NO_XDEV if one_mount else 0)
    return syscalls.openat2(top_fd, name, flags, mode, resolve)


@contextmanager
def scanned(
    top_fd: int, name: str, *, one_mount: bool = False
) -> Iterator[Iterator[os.DirEntry[str]]]:
    """What is in a folder below another one, as `os.scandir` says it.

    Raises:
        OSError: as `opened`.
    """
    fd = opened(top_fd, name, os.O_RDONLY | os.O_DIRECTORY, one_mount=one_mount)
    try:
        with os.scandir(fd) as entries:
            yield entries
    finally:
        os.close(fd)


def place(top_fd: int, name: str) -> int:
    """Open a folder to mount on, which is made where it is missing; the caller closes it.

    `/proc/self/fd/N` is its name for calls that take a path: it leads to what was opened.

    Raises:
        OSError: as `opened`; EEXIST where something else has the name.
    """
    try:
        return opened(top_fd, name, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        os.mkdir(name, 0o755, dir_fd=top_fd)
        return opened(top_fd, name, os.O_PATH | os.O_DIRECTORY)
