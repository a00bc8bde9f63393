"""What an instance alone has on the server's disk."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from runtime.kernel import beneath

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_BYTES = 512


def bytes_of(path: Path) -> int | None:
    """What a path holds; None where that can't be said.

    Of a file its blocks: a hole costs nothing. Of a file system of an instance's own what is taken
    of it. Of any other folder the blocks of all below it.
    """
    try:
        if not path.is_dir():
            return path.stat().st_blocks * _BLOCK_BYTES
        # Not Path.is_mount(): to Python 3.13 the link /proc/PID/root is no mount point.
        if path.stat().st_dev != path.parent.stat().st_dev:
            taken = os.statvfs(path)
            return (taken.f_blocks - taken.f_bfree) * taken.f_frsize
        return _tree_bytes(path)
    except OSError:
        return None


def _tree_bytes(top: Path) -> int:
    """The blocks of a folder and of all below it, as du(1) counts them.

    Not by recursion, since a learner may nest folders deeper than Python goes; and never by a link
    that they put in the way meanwhile.

    Raises:
        OSError: something can't be looked at, such as a path that is too long.
    """
    blocks = top.lstat().st_blocks
    seen: set[int] = set()  # a file with two names has one set of blocks
    folders = ["."]
    with beneath.folder(top) as top_fd:
        while folders:
            name = folders.pop()
            with (
                suppress(FileNotFoundError, NotADirectoryError),
                beneath.scanned(top_fd, name) as entries,
            ):
                for entry in entries:
                    found = entry.stat(follow_symlinks=False)
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if found.st_nlink > 1 and not is_folder:
                        if found.st_ino in seen:
                            continue
                        seen.add(found.st_ino)
                    blocks += found.st_blocks
                    if is_folder:
                        folders.append(f"{name}/{entry.name}")
    return blocks * _BLOCK_BYTES
