"""What an instructor does about the pace: the class's steps, one learner's time and way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, render_template, request, url_for

from webapp import audit, problems
from webapp.pages.staff import (
    helped_learner,
    learners_address,
    own_learner,
    own_workshop,
    whole_number,
)
from webapp.problems import Problem
from webapp.wiring import wired
from webapp.workshops import changing, returning

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

DOES = {
    "lock": "locked what follows",
    "unlock": "unlocked all after",
    "bring": "brought all to",
    "start": "let newcomers begin at the start",
}

blueprint = Blueprint("pace", __name__, url_prefix="/workshops")


@blueprint.post("/<public_id>/steps")
def lead(public_id: str) -> Response:
    """Locks the steps after one, unlocks the next or all of them, or brings everyone to one.

    Or lets those begin at the start who would be brought there, too, when they join.
    """
    person, workshop = own_workshop(public_id)
    pacing, step = wired().pacing, request.form.get("step", "")
    do = request.form.get("do", "")
    match do:
        case "lock":
            pacing.open_to(workshop.id, step)
        case "unlock":
            pacing.open_to(workshop.id, None)
        case "bring":
            pacing.bring(workshop.id, step, person.name)
        case "start":
            pacing.begin_at_start(workshop.id)
        case _:
            raise problems.not_found()
    audit.note(step=step, does=DOES[do])
    return redirect(url_for("workshops.show_one", public_id=public_id))


@blueprint.post("/<public_id>/pause")
def pause(public_id: str) -> Response:
    """Lets all labs of the class stand still, or go on."""
    person, workshop = own_workshop(public_id)
    match request.form.get("do"):
        case "pause":
            wired().pausing.pause(workshop.id, person.name)
            audit.note(does="paused the class")
        case "go-on":
            wired().pausing.go_on(workshop.id)
            audit.note(does="let the class go on")
        case _:
            raise problems.not_found()
    return redirect(url_for("workshops.show_one", public_id=public_id))


@blueprint.post("/<public_id>/learners/<learner_id>/minutes")
def give_minutes(public_id: str, learner_id: str) -> Response:
    """Lets one learner go on for longer than the class."""
    _, workshop, learner = own_learner(public_id, learner_id)
    minutes = whole_number("minutes", "More time")
    parts = wired()
    audit.note(minutes=minutes)
    changing.give_minutes(parts.database, parts.labs, parts.news, workshop.id, learner.id, minutes)
    return redirect(url_for("workshops.show_learner", public_id=public_id, learner_id=learner_id))


@blueprint.post("/<public_id>/learners/<learner_id>/bring")
def bring_one(public_id: str, learner_id: str) -> Response:
    """Brings one learner to a step, in a fresh lab in which the steps before it are played.

    Who has none gets one; where there is no room, they wait for it in line as anybody does.
    """
    person, workshop, learner = own_learner(public_id, learner_id)
    parts = wired()
    lesson, step = parts.pacing.find(learner, workshop, request.form.get("step", ""))
    if workshop.is_paused:
        raise problems.workshop_paused(workshop.paused_by)
    if parts.labs.renewal_of(learner.id) is not None:
        raise Problem(
            "lab-none",
            f"A container is being set up for {learner.shown_name} just now.",
            "Bring them when it is there.",
        )
    begin = parts.socketio.start_background_task
    if parts.pacing.bring_in(learner.id, step.id, person.name):
        begin(parts.line.seat, learner.id)
    else:
        begin(parts.resetting.bring, learner, workshop, lesson, step, person.name)
    audit.note(step=step.id)
    return redirect(url_for("workshops.show_learner", public_id=public_id, learner_id=learner_id))


@blueprint.post("/<public_id>/learners/<learner_id>/link")
def hand_out_link(public_id: str, learner_id: str) -> str:
    """A way back in for a learner without cookie and PIN; shown once, here."""
    person, workshop, learner = helped_learner(public_id, learner_id)
    token = returning.hand_out(wired().database, workshop, learner)
    address = learners_address()
    return render_template(
        "workshops/way_back.html",
        person_name=person.name,
        workshop=workshop,
        learner=learner,
        minutes=returning.LIFE_MINUTES,
        link=(address.url or request.host_url.rstrip("/"))
        + url_for("join.show_way_back", token=token),
        note=address.note,
    )
