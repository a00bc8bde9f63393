"""The instructor's pages: the list, a new workshop, one workshop, its code on the projector."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog
from flask import Blueprint, redirect, render_template, request, url_for

from webapp import audit, problems
from webapp.access import may_teach
from webapp.keys import derive_pin
from webapp.models.base import now
from webapp.models.events import events_in, events_of
from webapp.models.people import learner_in, learners_of, workshops_for
from webapp.pages.projector import qr_picture
from webapp.pages.staff import (
    card_of,
    helped_learner,
    helped_workshop,
    instructor,
    learners_address,
    own_workshop,
    signed_in,
    whole_number,
)
from webapp.problems import Problem, http_status
from webapp.visitors import LEARNER_COOKIE, current_visitor, set_cookie
from webapp.wiring import wired
from webapp.workshops import changing, joining
from webapp.workshops.allowed_names import read_names
from webapp.workshops.codes import spoken
from webapp.workshops.ending import end_demos, end_soon, end_workshop
from webapp.workshops.labs import shells_of
from webapp.workshops.opening import Plan, open_workshop
from webapp.workshops.paths import read_paths
from webapp.workshops.progress import progress_of
from webapp.workshops.recordings import CHOICES as RECORDING_CHOICES
from webapp.workshops.terminal_names import names_of
from webapp.workshops.times import clock_time
from webapp.workshops.works import class_results

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from webapp.lesson_format.model import Lesson
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop


log = structlog.get_logger()

blueprint = Blueprint("workshops", __name__, url_prefix="/workshops")

CLASS_SIZES = (5, 10, 20, 30, 40, 60, 80, 100)
NOTE_MOST = 2000  # characters
MINUTES = (30, 45, 60, 90, 120, 180, 240, 480)


@blueprint.get("")
def show_list() -> str:
    """All workshops that this person may see: what goes on first, then what is over."""
    person = signed_in()
    with wired().database.read() as session:
        cards = [card_of(session, each) for each in workshops_for(session, person)]
    status, away = _status()
    return render_template(
        "workshops/list.html",
        person_name=person.name,
        running=[each for each in cards if each["state"] == "running"],
        ended=[each for each in cards if each["state"] == "ended"],
        runtime=away,
        warnings=_warnings(status),
    )


@blueprint.get("/new")
def show_new() -> str:
    """Three groups of choices with defaults that suit a first class, and one button."""
    return _new_form()


@blueprint.post("")
def open_one() -> Response | tuple[str, int]:
    """Opens a workshop and shows its code. A demo ends, since the class is here."""
    person = instructor()
    try:
        workshop = open_workshop(
            wired().database, wired().library, _plan(), person.id, images=_images()
        )
    except Problem as problem:
        return _new_form(problem), http_status(problem)
    end_demos(wired().database, wired().labs, wired().news)
    _order_pool()
    audit.note(workshop=workshop.public_id)
    return redirect(url_for(".show_one", public_id=workshop.public_id))


def _images() -> list[str] | None:
    """What labs can be made from; None while nothing answers that would know."""
    status, away = _status()
    return list(status["images"]) if away is None else None


@blueprint.get("/<public_id>")
def show_one(public_id: str) -> str:
    """Who has joined, on which step, and how the last check went.

    The page's script keeps it fresh.
    """
    person, workshop = helped_workshop(public_id)
    with wired().database.read() as session:
        rows = wired().roster.rows(session, workshop)
        card = card_of(session, workshop)
        results = class_results(events_in(session, workshop.id))
    return render_template(
        "workshops/one.html",
        person_name=person.name,
        card=card,
        rows=rows,
        now=now().timestamp(),
        results=results,
        warnings=_warnings(_status()[0]),
        address=learners_address(),
        link=learners_address().join_link(workshop.code),
        lessons=_lessons(workshop),
        open_to=workshop.open_to,
        next_locked=wired().pacing.next_locked(workshop),
        newcomers_at=wired().pacing.newcomers_begin_at(workshop),
    )


@blueprint.get("/<public_id>/code")
def show_code(public_id: str) -> str:
    """The code as large as the screen, with a QR picture of the link."""
    _, workshop = helped_workshop(public_id)
    address = learners_address()
    link = address.join_link(workshop.code)
    with wired().database.read() as session:
        card = card_of(session, workshop)
    return render_template(
        "workshops/code.html",
        card=card,
        address=address,
        spoken=spoken(workshop.code),
        qr=qr_picture(link) if link else "",
    )


@blueprint.get("/<public_id>/learners/<learner_id>")
def show_learner(public_id: str, learner_id: str) -> str:
    """How far one learner is, and the PIN for one who has lost it."""
    person, workshop, learner = helped_learner(public_id, learner_id)
    with wired().database.read() as session:
        events = events_of(session, learner.id)
    standings = [progress_of(events, lesson) for lesson in _lessons(workshop)]
    return render_template(
        "workshops/learner.html",
        person_name=person.name,
        workshop=workshop,
        learner=learner,
        pin=derive_pin(wired().key, learner.public_id, learner.pin_turn),
        standings=standings,
        hand=wired().hands.place_of(learner.id),
        lessons=_lessons(workshop),
        locked=wired().pacing.locked_for(learner, workshop),
        renewal=wired().labs.renewal_of(learner.id),
        begins_at=wired().pacing.begins_at(learner, workshop),
        ends=clock_time(learner.ends_at(workshop)),
        leads=may_teach(current_visitor(), workshop),
        lab=_lab(learner) if learner.has_time(workshop) else None,
    )


def _lessons(workshop: Workshop) -> list[Lesson]:
    known = wired().library.lessons
    return [known[name] for name in workshop.lessons if name in known]


def _lab(learner: Learner) -> dict[str, str] | None:
    """The terminals of a learner, as a page that watches them wants it said."""
    lab = wired().labs.of(learner.id)
    shells = shells_of(lab) if lab else []
    if lab is None or not shells:
        return None
    label = "machine" if lab.get("in_machine") else "shell"
    given = names_of(wired().database, learner.id, lab["lab"])
    names = {each: f"{label} {each}" for each in shells} if label == "shell" else {}
    return {
        "id": lab["lab"],
        "label": label,
        "terminals": " ".join(shells),
        "names": json.dumps({**names, **given}),
    }


@blueprint.post("/<public_id>/learners/<learner_id>/lower")
def lower_hand(public_id: str, learner_id: str) -> Response:
    """Lowers the hand of who was helped."""
    person, _, learner = helped_learner(public_id, learner_id)
    wired().hands.lower(learner.id, by=person.name)
    return redirect(url_for(".show_learner", public_id=public_id, learner_id=learner_id))


@blueprint.post("/<public_id>/learners/<learner_id>/note")
def note_privately(public_id: str, learner_id: str) -> Response:
    """Keeps what those who teach note of a learner for themselves."""
    _, workshop = helped_workshop(public_id)
    with wired().database.write() as session:
        learner = learner_in(session, workshop.id, learner_id)
        if learner is None:
            raise problems.not_found()
        learner.private_note = request.form.get("note", "").strip()[:NOTE_MOST]
    return redirect(url_for(".show_learner", public_id=public_id, learner_id=learner_id))


@blueprint.post("/<public_id>/try")
def try_it(public_id: str) -> Response:
    """Joins as a learner, under the instructor's own name; takes no place of the class."""
    person, workshop = helped_workshop(public_id)
    # One for each person and workshop, however often it is pressed; nobody else can name it.
    attempt = f"staff-{person.public_id}-{workshop.id}"
    _, token = joining.join(wired().database, workshop.code, person.name, attempt, is_staff=True)
    answer = redirect("/lab")
    set_cookie(answer, LEARNER_COOKIE, token)
    return answer


@blueprint.post("/<public_id>/places")
def set_places(public_id: str) -> Response:
    """Lets more (or fewer) join; the line moves at once."""
    _, workshop = own_workshop(public_id)
    places = whole_number("places", "Learners at most")
    changing.set_places(wired().database, workshop.id, places)
    audit.note(places=places)
    wired().line.move()
    return redirect(url_for(".show_one", public_id=public_id))


@blueprint.post("/<public_id>/minutes")
def add_minutes(public_id: str) -> Response:
    """Lets it go on for longer."""
    _, workshop = own_workshop(public_id)
    minutes = whole_number("minutes", "More time")
    changing.add_minutes(wired().database, wired().labs, wired().news, workshop.id, minutes)
    audit.note(minutes=minutes)
    return redirect(url_for(".show_one", public_id=public_id))


@blueprint.post("/<public_id>/names")
def set_names(public_id: str) -> Response:
    """Changes which names the labs reach, of a workshop that has a list."""
    _, workshop = own_workshop(public_id)
    names = read_names(request.form.get("allowed", ""))
    changing.set_names(wired().database, wired().labs, workshop.id, names)
    _order_pool()
    return redirect(url_for(".show_one", public_id=public_id))


@blueprint.get("/<public_id>/end")
def show_end(public_id: str) -> str:
    """What goes and what stays, before it goes."""
    person, workshop = own_workshop(public_id)
    with wired().database.read() as session:
        card = card_of(session, workshop)
        learners = learners_of(session, workshop.id)
    labs = sum(wired().labs.of(each.id) is not None for each in learners)
    here = sum(wired().presence.is_here(each.id) for each in learners)
    return render_template(
        "workshops/end.html", person_name=person.name, card=card, labs=labs, here=here
    )


@blueprint.post("/<public_id>/end")
def end(public_id: str) -> Response:
    """Ends it, now or in two minutes."""
    _, workshop = own_workshop(public_id)
    if request.form.get("when") == "soon":
        audit.note(when="in two minutes")
        end_soon(wired().database, wired().labs, wired().news, workshop.id)
        return redirect(url_for(".show_one", public_id=public_id))
    audit.note(when="at once")
    end_workshop(wired().database, wired().labs, wired().news, workshop.id)
    _order_pool()
    return redirect(url_for(".show_one", public_id=public_id))


def _plan() -> Plan:
    return Plan(
        lessons=tuple(request.form.getlist("lessons")),
        max_learners=whole_number("max_learners", "Learners at most"),
        minutes=whole_number("minutes", "How long"),
        internet=request.form.get("internet") in ("on", "list"),
        allowed=_allowed(),
        recording=_recording(),
        own_figures=request.form.get("own_figures") == "on",
        in_machine=request.form.get("in_machine") == "on",
    )


def _allowed() -> tuple[str, ...]:
    is_list = request.form.get("internet") == "list"
    return read_names(request.form.get("allowed", "")) if is_list else ()


def _recording() -> str:
    wanted = request.form.get("recording", "off")
    return wanted if wanted in RECORDING_CHOICES else "off"


def _new_form(problem: Problem | None = None) -> str:
    person = instructor()
    library = wired().library
    paths = read_paths(wired().settings.lessons, library.lessons)
    path = next((each for each in paths if each.name == request.args.get("path")), None)
    usual = list(path.lessons if path else library.lessons)[: None if path else 2]
    chosen = request.form.getlist("lessons") if problem else usual
    plan = Plan((), minutes=path.minutes) if path else Plan(())
    return render_template(
        "workshops/new.html",
        person_name=person.name,
        lessons=list(library.lessons.values()),
        faults=library.faults,
        chosen=chosen,
        paths=paths,
        path=path,
        max_learners=request.form.get("max_learners", plan.max_learners),
        minutes=request.form.get("minutes", plan.minutes),
        internet=request.form.get("internet", "off"),
        allowed=request.form.get("allowed", ""),
        recording=request.form.get("recording", "off"),
        own_figures=request.form.get("own_figures", "off"),
        in_machine=request.form.get("in_machine", "off"),
        no_own_figures=_no_own_figures(),
        class_sizes=CLASS_SIZES,
        durations=MINUTES,
        problem=problem,
    )


def _order_pool() -> None:
    """Lets labs stand ready; when the runtime is away it is asked again as soon as it is back."""
    try:
        wired().clock.order_pool()
    except Problem as problem:
        log.info("pool.not_ordered", code=problem.code)


def _no_own_figures() -> str:
    """Why containers can't show figures of their own here; empty where they can."""
    status, away = _status()
    return away.sentence if away else str(status.get("own_figures", ""))


def _warnings(status: dict[str, Any]) -> list[Problem]:
    """What of the server stands in containers' way, as far as the runtime answers."""
    return [Problem.from_dict(each) for each in status.get("warnings", [])]


def _status() -> tuple[dict[str, Any], Problem | None]:
    """What the runtime says of itself; nothing, and why, while it doesn't answer."""
    try:
        return wired().engine.status(), None
    except Problem as problem:
        return {}, problem
