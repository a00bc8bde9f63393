"""What a layer hides of those below it, said so that containers of a user's own are told, too.

A layer that replaces a whole folder marks it as opaque. Root's mark is a `trusted` attribute, which
the kernel shows to no overlay that was mounted in a user namespace, as learners' engines do; there
it reads the same of a `user` attribute. Single files that are gone need nothing: their mark is a
device node, which every overlay knows.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ROOTS, USERS = "trusted.overlay.opaque", "user.overlay.opaque"
"""By which attribute a folder is marked for overlays that root mounts, and for those of others."""
_YES = b"y"


def show(layer: Path) -> int:
    """Mark each opaque folder of an unpacked layer for overlays of user namespaces as well.

    Args:
        layer: where its files are; nobody else writes there.

    Returns:
        How many were marked.

    Raises:
        OSError: one could not be.
    """
    marked = 0
    for place, _, _ in os.walk(layer):
        if _of(place, ROOTS) == _YES != _of(place, USERS):
            os.setxattr(place, USERS, _YES, follow_symlinks=False)
            marked += 1
    return marked


def is_opaque(folder: Path) -> bool:
    """Whether a folder of a layer hides what those below have in its place."""
    return any(_of(str(folder), name) == _YES for name in (ROOTS, USERS))


def _of(place: str, name: str) -> bytes:
    try:
        return os.getxattr(place, name, follow_symlinks=False)
    except OSError:  # there is none
        return b""
