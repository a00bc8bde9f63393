"""Named ways through the lessons of a server, for whoever opens a workshop."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

log = structlog.get_logger()

FILE = "paths.toml"


@dataclass(frozen=True)
class CoursePath:
    """One way.

    Attributes:
        name: in an address.
        minutes: how long a class takes for it.
        lessons: names, in the order of teaching; only those that this server has.
    """

    name: str
    title: str
    minutes: int
    lessons: tuple[str, ...]


def read_paths(folder: Path, known: Collection[str]) -> list[CoursePath]:
    """The ways that `paths.toml` of a folder of lessons names; none where there is no such file.

    Args:
        folder: of the lessons.
        known: the lessons that can be chosen. A path of which none is here is left out.
    """
    try:
        raw = tomllib.loads((folder / FILE).read_text())
        found = [
            CoursePath(
                str(each["name"]),
                str(each["title"]),
                int(each["minutes"]),
                tuple(name for name in each["lessons"] if name in known),
            )
            for each in raw.get("path", [])
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("paths.unreadable", error=str(error))
        return []
    return [each for each in found if each.lessons]
