"""What an instance alone has on the server's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.kernel import spawn

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK_BYTES = 512
_PATIENCE_S = 20.0


def blocks_bytes(path: Path) -> int | None:
    """The blocks of a file, or of a folder with all below it; None where that can't be said.

    A hole in a file costs nothing and isn't counted. A folder is counted by du(1): a learner may
    have nested folders deeper than Python recurses.
    """
    try:
        if not path.is_dir():
            return path.stat().st_blocks * _BLOCK_BYTES
        argv = ["du", "--summarize", "--one-file-system", "--block-size=1", str(path)]
        return int(spawn.run(argv, timeout_s=_PATIENCE_S).stdout.split()[0])
    except (OSError, ValueError, spawn.ProgramFailed):
        return None
