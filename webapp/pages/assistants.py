"""Who helps in a workshop: whoever leads it gives it to them, and takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request, url_for

from webapp import audit
from webapp.models.people import all_people, assistants_of
from webapp.pages.staff import own_workshop
from webapp.problems import Problem, http_status
from webapp.wiring import wired
from webapp.workshops import teaching

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("assistants", __name__, url_prefix="/workshops/<public_id>/assistants")


@blueprint.get("")
def show(public_id: str) -> str:
    """Those it was given to, and whom it could be given to."""
    return _page(public_id)


@blueprint.post("")
def give(public_id: str) -> Response:
    """Gives it to somebody with an account."""
    _, workshop = own_workshop(public_id)
    try:
        given = teaching.assist(wired().database, workshop, request.form.get("name", ""))
    except Problem as problem:
        return make_response(_page(public_id, problem), http_status(problem))
    audit.note(name=given.name)
    return redirect(url_for(".show", public_id=public_id))


@blueprint.post("/end")
def take_back(public_id: str) -> Response:
    """Takes it back; a wall that is open there closes within seconds."""
    _, workshop = own_workshop(public_id)
    name = request.form.get("name", "")
    left = teaching.assist_no_more(wired().database, workshop, name)
    audit.note(name=left.name)
    return redirect(url_for(".show", public_id=public_id))


def _page(public_id: str, problem: Problem | None = None) -> str:
    person, workshop = own_workshop(public_id)
    with wired().database.read() as session:
        helping = assistants_of(session, workshop.id)
        known = {each.id for each in helping} | {person.id, workshop.opened_by}
        others = [each for each in all_people(session) if each.id not in known]
    return render_template(
        "workshops/assistants.html",
        person_name=person.name,
        workshop=workshop,
        helping=helping,
        others=others,
        problem=problem,
    )
