"""The lesson player: text on one side, the learner's own terminals on the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from webapp.keys import derive_pin
from webapp.lesson_format.model import Layout
from webapp.models.events import events_of
from webapp.preview.address import bare
from webapp.visitors import current_visitor
from webapp.wiring import wired
from webapp.workshops.labs import is_ready, shells_of
from webapp.workshops.own_table import as_table, own_table
from webapp.workshops.progress import goes_on_in, progress_of
from webapp.workshops.recalling import recalled
from webapp.workshops.terminal_names import names_of
from webapp.workshops.works import last_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from webapp.lesson_format.model import Lesson
    from webapp.models.events import Event
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.workshops.progress import Progress

blueprint = Blueprint("lesson", __name__)

LIMITS_LESSON = "05-limits"
PAGES = {Layout.CONTAINER: "lesson/player.html", Layout.MACHINE: "compare/player.html"}


@blueprint.get("/lab")
def resume_lab() -> ResponseReturnValue:
    """Where this learner goes on: the first lesson that isn't done, at the step that isn't."""
    place = _place()
    if place is None:
        return redirect("/")
    learner, workshop = place
    with wired().database.read() as session:
        events = events_of(session, learner.id)
    standings = [progress_of(events, lesson) for lesson in _lessons(workshop)]
    if not standings:
        abort(404)
    return _to_step(goes_on_in(standings, events))


@blueprint.get("/lab/<lesson_name>")
def resume_lesson(lesson_name: str) -> ResponseReturnValue:
    """Where this learner goes on in one lesson."""
    place = _place()
    if place is None:
        return redirect("/")
    learner, workshop = place
    return _to_step(_progress(learner, _lesson(workshop, lesson_name)))


@blueprint.get("/lab/<lesson_name>/<step_name>")
def show_step(lesson_name: str, step_name: str) -> ResponseReturnValue:
    """One step of a lesson; what was passed and opened before is drawn as it was."""
    place = _place()
    if place is None:
        return redirect("/")
    learner, workshop = place
    lesson = _lesson(workshop, lesson_name)
    step = lesson.step(step_name)
    if step is None:
        abort(404)
    locked = wired().pacing.locked_for(learner, workshop)
    if step.id in locked:
        return redirect(f"/lab/{workshop.open_to}")
    with wired().database.read() as session:
        events = events_of(session, learner.id)
    progress = progress_of(events, lesson)
    return render_template(
        PAGES[lesson.layout],
        learner=learner,
        workshop=workshop,
        pin=derive_pin(wired().key, learner.public_id, learner.pin_turn),
        lessons=_lessons(workshop),
        lesson=lesson,
        step=step,
        number=lesson.steps.index(step) + 1,
        progress=progress,
        standing=progress.of(step),
        onward=_onward(workshop, lesson, step.name),
        locked=locked,
        brought_by=_brought_by(events, step.id),
        lab=_lab(learner),
        hand=wired().hands.place_of(learner.id) if learner.has_time(workshop) else 0,
        why=_why(workshop),
        works=last_results(events),
        trial=wired().settings.previews.trial(bare(request.host)),
        own_table=own_table(progress, last_results(events)),
        recalled=recalled(step, _lessons(workshop), events),
    )


def _brought_by(events: Sequence[Event], step_id: str) -> str:
    """Whose word it was that the class is at this step; empty where it was nobody's last."""
    brought = next((each for each in reversed(events) if each.type == "brought"), None)
    return str(brought.payload.get("by")) if brought and brought.step == step_id else ""


def _why(workshop: Workshop) -> str:
    """Where a learner reads why a limit was met: the lesson about them, where the class has it."""
    taught = any(each.name == LIMITS_LESSON for each in _lessons(workshop))
    return f"/lab/{LIMITS_LESSON}" if taught else "/container"


@blueprint.get("/lab/<lesson_name>/table.csv")
def download_table(lesson_name: str) -> ResponseReturnValue:
    """What this learner guessed and measured, as a file."""
    place = _place()
    if place is None:
        return redirect("/")
    learner, workshop = place
    lesson = _lesson(workshop, lesson_name)
    with wired().database.read() as session:
        events = events_of(session, learner.id)
    table = as_table(own_table(progress_of(events, lesson), last_results(events)))
    name = f"attachment; filename={lesson.name}.csv"
    return Response(table, mimetype="text/csv", headers={"Content-Disposition": name})


def _lab(learner: Learner) -> dict[str, str] | None:
    """The learner's lab, if there is one by now: its terminal need not wait for the socket."""
    lab = wired().labs.of(learner.id)
    if lab is None or not is_ready(lab):
        return None
    names = names_of(wired().database, learner.id, lab["lab"])
    return {
        "id": lab["lab"],
        "terminals": " ".join(shells_of(lab)),
        "names": json.dumps(names),
        "no_figures": lab.get("figures_why", ""),
    }


def _place() -> tuple[Learner, Workshop] | None:
    visitor = current_visitor()
    if visitor.learner is None or visitor.workshop is None:
        return None
    return visitor.learner, visitor.workshop


def _lessons(workshop: Workshop) -> list[Lesson]:
    """What the workshop teaches, less what broke on disk since it was opened."""
    known = wired().library.lessons
    return [known[name] for name in workshop.lessons if name in known]


def _lesson(workshop: Workshop, name: str) -> Lesson:
    lesson = next((each for each in _lessons(workshop) if each.name == name), None)
    if lesson is None:
        abort(404)
    return lesson


def _progress(learner: Learner, lesson: Lesson) -> Progress:
    with wired().database.read() as session:
        return progress_of(events_of(session, learner.id), lesson)


def _to_step(progress: Progress) -> ResponseReturnValue:
    return redirect(
        url_for(
            "lesson.show_step", lesson_name=progress.lesson.name, step_name=progress.current.name
        )
    )


def _onward(workshop: Workshop, lesson: Lesson, step_name: str) -> dict[str, str] | None:
    """Where the button leads once the step is passed: the next step, else the next lesson."""
    names = [step.name for step in lesson.steps]
    position = names.index(step_name) + 1
    if position < len(names):
        title = f"Step {position + 1}, {lesson.steps[position].title}"
        address = url_for(
            "lesson.show_step", lesson_name=lesson.name, step_name=lesson.steps[position].name
        )
        return {"title": title, "address": address, "step": lesson.steps[position].id}
    lessons = _lessons(workshop)
    following = lessons[lessons.index(lesson) + 1 :]
    if not following:
        return None
    address = url_for("lesson.resume_lesson", lesson_name=following[0].name)
    first = following[0].steps[0].id
    return {"title": following[0].title, "address": address, "step": first}
