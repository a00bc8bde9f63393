"""A class's results, to take away: a table for spreadsheets, and JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.workshops.spreadsheet import as_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from webapp.lesson_format.model import Lesson, Step
    from webapp.workshops.results import Cell, Results, Row

_HEAD = (
    *("learner", "joined", "lesson", "step", "title", "state", "opened", "passed"),
    *("seconds", "tries", "hints", "answers", "extra_minutes"),
)


def results_csv(results: Results) -> str:
    """A line for each learner and step; who has done nothing has lines, too."""
    return as_csv(_HEAD, (_line(*each) for each in _cells(results)))


def results_json(results: Results) -> dict[str, Any]:
    """All of it, as docs/reference.md says under “Results”."""
    workshop = results.workshop
    return {
        "workshop": {
            "code": workshop.code,
            "title": workshop.title,
            "opened_at": _moment(workshop.opened_at),
            "ended_at": _moment(workshop.ended_at),
        },
        "steps": [
            {
                "step": step.id,
                "lesson": lesson.title,
                "number": number,
                "title": step.title,
                "learners": (times := results.times_of(step)).count,
                "usual_seconds": _seconds(times.usual_s),
                "nine_in_ten_seconds": _seconds(times.nine_s),
            }
            for lesson in results.lessons
            for number, step in enumerate(lesson.steps, 1)
        ],
        "learners": [_learner(results, row) for row in results.rows],
    }


def _learner(results: Results, row: Row) -> dict[str, Any]:
    return {
        "learner": row.learner.public_id,
        "name": row.learner.shown_name,
        "joined_at": _moment(row.learner.joined_at),
        "finished": row.has_finished(results.steps),
        "seconds": _seconds(row.time_s),
        "extra_minutes": row.learner.extra_minutes,
        "hands_raised": len(row.hands),
        "steps": [_step(row.cells[step.id]) for step in results.steps],
    }


def _step(cell: Cell) -> dict[str, Any]:
    progress = cell.progress
    return {
        "step": progress.step.id,
        "state": cell.state,
        "opened_at": _moment(cell.opened_at),
        "passed_at": _moment(progress.passed_at),
        "seconds": _seconds(cell.time_s),
        "tries": progress.tries,
        "hints": progress.hints_open,
        "answers": [
            {
                "question": each.question,
                "answer": each.text,
                "right": each.is_right,
                "tries": each.tries,
            }
            for each in cell.answers
        ],
    }


def _cells(results: Results) -> Iterator[tuple[Row, Lesson, int, Step]]:
    for row in results.rows:
        for lesson in results.lessons:
            for number, step in enumerate(lesson.steps, 1):
                yield row, lesson, number, step


def _line(row: Row, lesson: Lesson, number: int, step: Step) -> list[str | float | None]:
    cell = row.cells[step.id]
    progress = cell.progress
    answers = [f"{each.question}: {each.text}" for each in cell.answers]
    return [
        row.learner.shown_name,
        _moment(row.learner.joined_at),
        lesson.title,
        number,
        step.title,
        cell.state,
        _moment(cell.opened_at),
        _moment(progress.passed_at),
        _seconds(cell.time_s),
        progress.tries,
        progress.hints_open,
        "\n".join(answers),
        row.learner.extra_minutes,
    ]


def _moment(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
