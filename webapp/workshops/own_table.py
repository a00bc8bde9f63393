"""A learner's own table: what they guessed of each work, beside what they measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webapp.lesson_format.model import QuestionKind, Work
from webapp.workshops.spreadsheet import as_csv
from webapp.workshops.works import HARDWARE, Worked, times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.workshops.progress import Progress

LABELS = {
    Work.COMPRESS: "Compress",
    Work.FORK: "Fork",
    Work.CALLS: "System calls",
    Work.FILES: "Create and delete files",
    Work.HTTP: "HTTP requests",
}
_HEAD = ("work", "guess", "machine", "container", "unit", "container / machine", "machine is")


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One work: the guess in words (empty when there is none), and the last result, if any."""

    work: Work
    label: str
    guess: str
    worked: Worked | None

    @property
    def is_emulated(self) -> bool:
        """Whether the machine's figure is one of an emulator."""
        worked = self.worked
        return bool(worked and worked.machine and worked.accelerator != HARDWARE)

    @property
    def ratio(self) -> float | None:
        """How many times the machine's rate the container's is; None where one is missing."""
        return None if self.worked is None else times(self.worked)


def own_table(progress: Progress, results: Mapping[Work, Worked]) -> list[OwnRow]:
    """A row for each work that was guessed or measured.

    A guess is a question of that kind that bears the work's name, in any step of the lesson.
    """
    guesses = {}
    for standing in progress.steps:
        for question in standing.step.questions:
            answer = standing.answers.get(question.name)
            if question.kind is QuestionKind.GUESS and answer is not None:
                guesses[question.name] = question.choices[int(answer.value or 0)].html.striptags()
    rows = (OwnRow(work, LABELS[work], guesses.get(work, ""), results.get(work)) for work in Work)
    return [row for row in rows if row.guess or row.worked]


def as_table(rows: list[OwnRow]) -> str:
    """The table for a spreadsheet, with plain numbers."""
    return as_csv(_HEAD, (_line(row) for row in rows))


def _line(row: OwnRow) -> list[str | float | None]:
    container = row.worked.container if row.worked else None
    machine = row.worked.machine if row.worked else None
    unit = (container or machine or {}).get("unit", "")
    kind = "" if machine is None else "emulated" if row.is_emulated else "on hardware"
    rates = [side["rate"] if side else "" for side in (machine, container)]
    return [row.label, row.guess, *rates, unit, row.ratio or "", kind]
