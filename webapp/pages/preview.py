"""The way from the lesson to a learner's own service, which is on another origin than this page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, request

from webapp import problems
from webapp.access import as_learner
from webapp.preview.address import Place, Seat, bare
from webapp.visitors import current_visitor
from webapp.wiring import wired

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("preview", __name__)

LAST_PORT = 65535


@blueprint.get("/preview/<int:port>")
def open_preview(port: int) -> ResponseReturnValue:
    """Send the learner's browser on, with a ticket for that port of their own lab."""
    if not 1 <= port <= LAST_PORT:
        abort(404)
    learner, workshop = as_learner(current_visitor())
    lab = wired().labs.of(learner.id)
    if lab is None:
        raise problems.lab_none()
    previews = wired().settings.previews
    if not previews.port:
        raise problems.previews_off()
    if request.is_secure and not previews.domain:
        raise problems.previews_unnamed()
    seat = Seat(
        place=Place(lab["lab"], port),
        viewer=learner.public_id,
        until=learner.ends_at(workshop).timestamp(),
        home=request.host_url.rstrip("/"),
        scheme=previews.scheme or "http",
    )
    return redirect(previews.door(seat, bare(request.host), wired().signer.ticket(seat)), 303)
