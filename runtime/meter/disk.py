"""What an instance alone has on the server's disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime.kernel import spawn

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_BYTES = 512
_PATIENCE_S = 20.0


def bytes_of(path: Path) -> int | None:
    """What a path holds; None where that can't be said.

    Of a file its blocks: a hole costs nothing. Of a file system of an instance's own what is taken
    of it. Of any other folder the blocks of all below it, by du(1): a learner may have nested
    folders deeper than Python recurses.
    """
    try:
        if not path.is_dir():
            return path.stat().st_blocks * _BLOCK_BYTES
        if path.is_mount():
            taken = os.statvfs(path)
            return (taken.f_blocks - taken.f_bfree) * taken.f_frsize
        argv = ["du", "--summarize", "--one-file-system", "--block-size=1", str(path)]
        return int(spawn.run(argv, timeout_s=_PATIENCE_S).stdout.split()[0])
    except (OSError, ValueError, spawn.ProgramFailed):
        return None
