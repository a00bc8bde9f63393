"""All lessons of a folder; a broken one never stops the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from webapp.lesson_format import native
from webapp.lesson_format.faults import Fault, LessonBroken

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.lesson_format.model import Lesson


@dataclass(frozen=True, slots=True)
class Library:
    """What can be taught, by folder name, and what is wrong with the rest.

    Attributes:
        lessons: in the order of their folders' names.
        faults: by folder name.
    """

    lessons: dict[str, Lesson] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)


def load_library(folder: Path) -> Library:
    """Read each lesson below a folder; folders without a `lesson.md` are none."""
    library = Library()
    for path in sorted(folder.glob(f"*/{native.INDEX}")):
        name = path.parent.name
        try:
            library.lessons[name] = native.load(path.parent)
        except LessonBroken as broken:
            library.faults[name] = broken.faults
    return library
