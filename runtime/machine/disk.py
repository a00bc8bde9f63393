"""A machine's own layer: one sparse file, which is all of the disk that is this machine's alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from runtime.kernel import spawn

if TYPE_CHECKING:
    from pathlib import Path

# No journal: after a crash a machine gets a new disk, and each write would be written twice.
_MAKE = ("mkfs.ext4", "-q", "-F", "-m0", "-O", "^has_journal", "-E", "lazy_itable_init=1")


def make(path: Path, size_bytes: int, uid: int) -> None:
    """Make an empty file system in a file that takes next to nothing on the disk.

    Args:
        path: where; what was there is replaced.
        size_bytes: how much fits.
        uid: who may read and write it, besides root.
    """
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(fd, size_bytes)
        spawn.run([*_MAKE, str(path)])
        os.fchown(fd, uid, uid)
    finally:
        os.close(fd)
