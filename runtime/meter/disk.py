"""What an instance alone has on the server's disk."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

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
        if path.is_mount():
            taken = os.statvfs(path)
            return (taken.f_blocks - taken.f_bfree) * taken.f_frsize
        return _tree_bytes(path)
    except OSError:
        return None


def _tree_bytes(top: Path) -> int:
    """The blocks of a folder and of all below it, as du(1) counts them.

    Not by recursion, since a learner may nest folders deeper than Python goes.

    Raises:
        OSError: something can't be looked at, such as a path that is too long.
    """
    blocks = top.lstat().st_blocks
    seen: set[int] = set()  # a file with two names has one set of blocks
    folders = [str(top)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if found.st_nlink > 1 and not entry.is_dir(follow_symlinks=False):
                    if found.st_ino in seen:
                        continue
                    seen.add(found.st_ino)
                blocks += found.st_blocks
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    return blocks * _BLOCK_BYTES
