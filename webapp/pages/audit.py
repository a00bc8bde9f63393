"""The page of the audit log: an owner reads all of it, an instructor what concerns them."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from webapp.models.base import NUMBER_MOST
from webapp.models.people import all_people, workshops_for
from webapp.pages.staff import instructor
from webapp.wiring import wired
from webapp.workshops import deeds

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("")
def show() -> str:
    """What was done, newest first; by one person or in one workshop, where the reader asks so."""
    me = instructor()
    person = request.args.get("person", "")[:16]
    workshop = request.args.get("workshop", "")[:16]
    before = request.args.get("before", type=int)
    if before is not None:
        before = min(max(before, 0), NUMBER_MOST)
    with wired().database.read() as session:
        found = deeds.lines(
            session,
            me,
            deeds.PAGE_LINES + 1,
            before=before,
            person=person or None,
            workshop=workshop or None,
        )
        people = all_people(session)
        workshops = workshops_for(session, me)
    lines = found[: deeds.PAGE_LINES]
    return render_template(
        "audit/list.html",
        person_name=me.name,
        lines=lines,
        people=people,
        workshops=workshops,
        person=person,
        workshop=workshop,
        is_later=before is not None,
        older=lines[-1].id if len(found) > len(lines) else None,
    )
