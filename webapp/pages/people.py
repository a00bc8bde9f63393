"""The owners' page of who has an account here: inviting, roles, sign-ins, removing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request

from webapp import audit, problems
from webapp.models.people import Role, all_people, person_by_public_id, sign_ins_of
from webapp.models.workshops import led_by
from webapp.pages.staff import learners_address, owner
from webapp.problems import Problem, http_status
from webapp.wiring import wired
from webapp.workshops import teaching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response

    from webapp.models.people import Browser, Person
    from webapp.models.workshops import Workshop

blueprint = Blueprint("people", __name__, url_prefix="/people")


@dataclass(frozen=True)
class Row:
    """One account, as the list shows it."""

    person: Person
    sign_ins: Sequence[Browser]
    workshops: Sequence[Workshop]


@blueprint.get("")
def show_list() -> str:
    """Everyone with an account, and a form for the next."""
    return _page()


@blueprint.post("")
def invite() -> Response:
    """Adds somebody; the page shows their one-time link, this once."""
    owner()
    name, role = request.form.get("name", ""), request.form.get("role", "")
    try:
        token = teaching.add_person(wired().database, name, role)
    except Problem as problem:
        return make_response(_page(problem, name=name[:200], role=role), http_status(problem))
    audit.note(name=name.strip(), role=role)
    return make_response(_page(link=_link(token), invited=name.strip()))


@blueprint.post("/<person_id>/role")
def set_role(person_id: str) -> Response:
    """Makes somebody an owner, an instructor or an assistant."""
    person = _person(person_id)
    role = request.form.get("role", "")
    try:
        teaching.set_role(wired().database, person.name, role)
    except Problem as problem:
        return make_response(_page(problem), http_status(problem))
    audit.note(name=person.name, role=role)
    return redirect("/people")


@blueprint.post("/<person_id>/link")
def reset(person_id: str) -> Response:
    """A new one-time link, for who lost the password or the first link; they are signed out."""
    person = _person(person_id)
    token = teaching.reset_person(wired().database, person.name)
    audit.note(name=person.name)
    return make_response(_page(link=_link(token), invited=person.name))


@blueprint.post("/<person_id>/sign-out")
def end_sign_ins(person_id: str) -> Response:
    """Signs somebody out everywhere; the password stays."""
    person = _person(person_id)
    teaching.end_sign_ins(wired().database, person.id)
    audit.note(name=person.name)
    return redirect("/people")


@blueprint.get("/<person_id>/remove")
def show_remove(person_id: str) -> str:
    """What goes and what stays, before it goes."""
    person = _person(person_id)
    with wired().database.read() as session:
        workshops = led_by(session, person.id)
    return render_template(
        "people/remove.html", person_name=owner().name, person=person, workshops=workshops
    )


@blueprint.post("/<person_id>/remove")
def remove(person_id: str) -> Response:
    """Removes an account; whoever does it leads its workshops from now on."""
    me, person = owner(), _person(person_id)
    try:
        teaching.remove_person(wired().database, person.name, me.id if me.id != person.id else None)
    except Problem as problem:
        return make_response(_page(problem), http_status(problem))
    audit.note(name=person.name)
    return redirect("/people")


def _person(person_id: str) -> Person:
    owner()
    with wired().database.read() as session:
        person = person_by_public_id(session, person_id)
    if person is None:
        raise problems.not_found()
    return person


def _link(token: str) -> str:
    address = learners_address()
    return f"{address.url or request.host_url.rstrip('/')}/welcome/{token}"


def _page(
    problem: Problem | None = None,
    *,
    name: str = "",
    role: str = Role.INSTRUCTOR,
    link: str = "",
    invited: str = "",
) -> str:
    me = owner()
    with wired().database.read() as session:
        rows = [
            Row(each, sign_ins_of(session, each.id), led_by(session, each.id))
            for each in all_people(session)
        ]
    return render_template(
        "people/list.html",
        person_name=me.name,
        me=me,
        rows=rows,
        roles=list(Role),
        problem=problem,
        name=name,
        role=role,
        link=link,
        invited=invited,
    )
