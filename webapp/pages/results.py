"""What a class came to: the page, the files to take away, and its deletion."""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from webapp import audit
from webapp.models.base import now
from webapp.models.people import learners_of
from webapp.pages.staff import card_of, helped_workshop, own_learner, own_workshop
from webapp.wiring import wired
from webapp.workshops.exporting import results_csv, results_json
from webapp.workshops.forgetting import forget, forget_learner
from webapp.workshops.results import results_of
from webapp.workshops.times import clock_time, duration

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from webapp.lesson_format.model import Lesson
    from webapp.models.people import Learner, Person
    from webapp.models.workshops import Workshop
    from webapp.workshops.results import Cell, Results, Row, StepTimes

blueprint = Blueprint("results", __name__, url_prefix="/workshops")

UNKNOWN = "–"  # noqa: RUF001 -- as all pages write it
SHOWN = {"time": "Time", "tries": "Tries", "hints": "Hints"}


@blueprint.get("/<public_id>/results")
def show_results(public_id: str) -> str:
    """What the class came to; one lesson of it, one sort of figure in its table."""
    person, workshop = helped_workshop(public_id)
    results = _results(workshop)
    wanted = request.args.get("lesson", "")
    lesson = next((each for each in results.lessons if each.name == wanted), None)
    lesson = lesson or _first_begun(results)
    shown = request.args.get("show", "")
    with wired().database.read() as session:
        card = card_of(session, workshop)
    return render_template(
        "results/page.html",
        person_name=person.name,
        card=card,
        lessons=results.lessons,
        lesson=lesson,
        shown=shown if shown in SHOWN else "time",
        kinds=SHOWN,
        as_of=clock_time(now()),
        facts=_facts(results),
        chart=_chart(results, lesson) if lesson else None,
        table=_table(results, lesson) if lesson else [],
    )


@blueprint.get("/<public_id>/results.csv")
def download_csv(public_id: str) -> Response:
    """A table for spreadsheets: a line for each learner and step."""
    _, workshop = helped_workshop(public_id)
    return _file(workshop, results_csv(_results(workshop)), "text/csv", "csv")


@blueprint.get("/<public_id>/results.json")
def download_json(public_id: str) -> Response:
    """All of it, for programs."""
    _, workshop = helped_workshop(public_id)
    text = json.dumps(results_json(_results(workshop)), ensure_ascii=False, indent=2)
    return _file(workshop, text, "application/json", "json")


@blueprint.get("/<public_id>/forget")
def ask_about_all(public_id: str) -> ResponseReturnValue:
    """Asks, before all data of a workshop that is over is deleted."""
    person, workshop = own_workshop(public_id)
    if workshop.ended_at is None:
        return redirect(url_for("workshops.show_end", public_id=public_id))
    with wired().database.read() as session:
        count = len(learners_of(session, workshop.id))
    return _ask(person, workshop, count=count)


@blueprint.post("/<public_id>/forget")
def forget_all(public_id: str) -> ResponseReturnValue:
    """Deletes all there is of a workshop that is over."""
    _, workshop = own_workshop(public_id)
    audit.note(title=workshop.title)
    forget(wired().database, wired().settings.web_path, workshop.id)
    return redirect("/workshops")


@blueprint.get("/<public_id>/learners/<learner_id>/forget")
def ask_about_one(public_id: str, learner_id: str) -> ResponseReturnValue:
    """Asks, before all data of one learner is deleted."""
    person, workshop, learner = own_learner(public_id, learner_id)
    return _ask(person, workshop, learner=learner)


@blueprint.post("/<public_id>/learners/<learner_id>/forget")
def forget_one(public_id: str, learner_id: str) -> ResponseReturnValue:
    """Deletes all there is of one learner."""
    _, _, learner = own_learner(public_id, learner_id)
    parts = wired()
    forget_learner(
        parts.database,
        parts.labs,
        parts.news,
        parts.classes,
        parts.settings.web_path,
        learner,
    )
    # Numbers are given again: whoever joins next isn't heard by this one's pages.
    parts.socketio.close_room(f"learner-{learner.id}", namespace="/lesson")
    return redirect(url_for("workshops.show_one", public_id=public_id))


def _ask(
    person: Person, workshop: Workshop, *, learner: Learner | None = None, count: int = 1
) -> str:
    return render_template(
        "results/forget.html",
        person_name=person.name,
        workshop=workshop,
        learner=learner,
        count=count,
    )


def _results(workshop: Workshop) -> Results:
    with wired().database.read() as session:
        return results_of(session, workshop, wired().library)


def _first_begun(results: Results) -> Lesson | None:
    begun = (
        each for each in results.lessons if any(row.last_step(each.steps) for row in results.rows)
    )
    return next(begun, next(iter(results.lessons), None))


def _facts(results: Results) -> list[tuple[str, str, str]]:
    """Figure, what it counts, and what there is to say beside it."""
    finished, total = results.finished, len(results.rows)
    times = [row.time_s for row in finished]
    planned = sum(lesson.minutes for lesson in results.lessons)
    quizzes = [row.quiz(results.steps) for row in finished]
    missed = results.missed_most()
    hands = results.hands()
    waits = [each for each in hands if each is not None]
    right = sum(quiz[0] for quiz in quizzes) / len(quizzes) if quizzes else 0.0
    asked = quizzes[0][1] if quizzes else 0
    return [
        (
            str(total),
            "learner" if total == 1 else "learners",
            f"of {results.workshop.max_learners} places",
        ),
        (str(len(finished)), "finished", f"{100 * len(finished) // total} %" if total else ""),
        (
            f"{median(times) / 60:.0f} min" if times else UNKNOWN,
            "median time, of who finished",
            f"planned {planned} min",
        ),
        (
            f"{right:.1f} of {asked}" if asked else UNKNOWN,
            "answers right at first, mean",
            f"missed most: {missed[0].title}" if missed else "",
        ),
        (
            str(len(hands)),
            "hand raised" if len(hands) == 1 else "hands raised",
            f"median wait {duration(median(waits))}" if waits else "",
        ),
    ]


def _chart(results: Results, lesson: Lesson) -> dict[str, Any]:
    """Bars from zero, as shares of the longest."""
    times = [results.times_of(step) for step in lesson.steps]
    longest = max([each.nine_s or each.usual_s or 0.0 for each in times], default=0.0)
    slowest = results.slowest(lesson.steps)
    return {
        "says": _slowest_in_words(lesson, slowest) if slowest else "",
        "is_mean": all(each.nine_s is None for each in times),
        "bars": [
            {
                "number": number,
                "title": each.step.title,
                "count": each.count,
                "usual": _share(each.usual_s, longest),
                "nine": _share(each.nine_s, longest),
                "usual_text": _time(each.usual_s),
                "nine_text": _time(each.nine_s),
                "is_slowest": slowest is not None and each.step.id == slowest.step.id,
            }
            for number, each in enumerate(times, 1)
        ],
    }


def _slowest_in_words(lesson: Lesson, slowest: StepTimes) -> str:
    word = "mean" if slowest.nine_s is None else "median"
    words = f"most on step {lesson.steps.index(slowest.step) + 1}: {word} {_time(slowest.usual_s)}"
    return words if slowest.nine_s is None else f"{words}, one in ten over {_time(slowest.nine_s)}"


def _table(results: Results, lesson: Lesson) -> list[dict[str, Any]]:
    times = [results.times_of(step) for step in lesson.steps]
    return [_line(results, row, lesson, times) for row in results.rows]


def _line(results: Results, row: Row, lesson: Lesson, times: list[StepTimes]) -> dict[str, Any]:
    last = row.last_step(lesson.steps)
    if row.has_finished(lesson.steps):
        state, words = "finished", "finished"
    elif not last:
        state, words = "idle", "not begun"
    elif results.workshop.is_open:
        state, words = "working", f"at step {last}"
    else:
        state, words = "away", f"left at step {last}"
    right, asked = row.quiz(lesson.steps)
    return {
        "learner": row.learner.public_id,
        "name": row.learner.shown_name,
        "quiz": f"{right} of {asked}" if asked and row.asked else UNKNOWN,
        "state": state,
        "words": words,
        "cells": [_cell(row.cells[each.step.id], each) for each in times],
    }


def _cell(cell: Cell, times: StepTimes) -> dict[str, Any]:
    return {
        "state": cell.state,
        "time": _time(cell.time_s),
        "tries": cell.progress.tries,
        "hints": cell.progress.hints_open,
        "is_slow": times.is_slow(cell),
    }


def _time(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else duration(seconds)


def _share(seconds: float | None, longest: float) -> float:
    return round(100 * seconds / longest, 2) if seconds and longest else 0.0


def _file(workshop: Workshop, text: str, mimetype: str, suffix: str) -> Response:
    name = f"attachment; filename=results-{workshop.code}.{suffix}"
    return Response(text, mimetype=mimetype, headers={"Content-Disposition": name})
