"""What a path in an image leads to: its layers one over the other, without mounting them.

They are strangers', so no link of theirs is followed but by us, within the image.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from runtime.image import whiteouts

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

# As many parts as are looked at, those of links among them: strangers' links may lead in a circle.
_LOOKS_MOST = 64


def has(layers: Sequence[Path], path: str) -> bool:
    """Whether something is there; true as well where nobody can tell.

    Args:
        layers: where the files of each are, the lowest first.
        path: from the image's root.
    """
    left, here, looks = path.split("/")[::-1], list[str](), 0
    while left:
        part = left.pop()
        if part in {"", ".", ".."}:
            here = here[:-1] if part == ".." else here
            continue
        if (looks := looks + 1) > _LOOKS_MOST:
            return True
        try:
            target = _entry(layers, [*here, part])
        except (OSError, ValueError):  # strangers' words: a name too long, or of no characters
            return True
        if target is None:
            return False
        if not target:
            here.append(part)
            continue
        here = [] if target.startswith("/") else here
        left += target.split("/")[::-1]
    return True


def _entry(layers: Sequence[Path], parts: Sequence[str]) -> str | None:
    """None where nothing is, where a link leads, and nothing for all else."""
    for layer in reversed(layers):
        try:
            status = _status(layer, parts)
        except NotADirectoryError:  # something else is in the place of what lies deeper
            return None
        except FileNotFoundError:
            if _hides_below(layer, parts):
                return None
            continue
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:  # taken away
            return None
        is_link = stat.S_ISLNK(status.st_mode)
        return str(layer.joinpath(*parts).readlink()) if is_link else ""
    return None


def _status(layer: Path, parts: Sequence[str]) -> os.stat_result:
    place, status = layer, layer.lstat()
    for part in parts:
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError
        place /= part
        status = place.lstat()
    return status


def _hides_below(layer: Path, parts: Sequence[str]) -> bool:
    """Whether one of the folders that lead there is this layer's alone."""
    places = [layer]
    for part in parts[:-1]:
        places.append(places[-1] / part)
    return any(map(whiteouts.is_opaque, places))
