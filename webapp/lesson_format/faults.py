"""What is wrong with a lesson's files, said so that its author can mend it without asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake in one place.

    Attributes:
        line: from 1.
        sentence: what is wrong.
        instead: what to write, or where.
    """

    path: Path
    line: int
    sentence: str
    instead: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence} {self.instead}"


class LessonBroken(Exception):
    """A lesson that can't be played: its faults, in the order of files and lines."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class Faults:
    """Collects what is wrong with one file while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[Fault] = []

    def add(self, line: int, sentence: str, instead: str) -> None:
        """Note a mistake; reading goes on, so that the author sees all of them at once."""
        self.found.append(Fault(self.path, line, sentence, instead))
