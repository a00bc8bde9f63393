"""A learner's own recordings: seen, played and taken home."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, render_template, request

from webapp import problems
from webapp.headers import csp_nonce
from webapp.visitors import current_visitor
from webapp.wiring import wired

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

blueprint = Blueprint("recordings", __name__, url_prefix="/recordings")

# The player is WebAssembly, and draws with innerHTML: on this page alone that may be.
POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


@blueprint.get("")
def show_recordings() -> ResponseReturnValue:
    """What was recorded of this learner, each with a player."""
    visitor = current_visitor()
    if visitor.learner is None or visitor.workshop is None:
        return redirect("/")
    found = wired().recordings.of(visitor.workshop, visitor.learner)
    page = render_template(
        "recordings/page.html",
        learner=visitor.learner,
        workshop=visitor.workshop,
        recordings=[(each, datetime.fromtimestamp(each.began_at, UTC)) for each in found],
    )
    response = Response(page)
    response.headers["Content-Security-Policy"] = POLICY.format(nonce=csp_nonce())
    return response


@blueprint.get("/<name>")
def show_one(name: str) -> ResponseReturnValue:
    """The file itself, for the player and for the learner."""
    visitor = current_visitor()
    if visitor.learner is None or visitor.workshop is None:
        return redirect("/")
    lines = wired().recordings.read(visitor.workshop, visitor.learner, name)
    if lines is None:
        raise problems.not_found()
    response = Response(lines, mimetype="application/x-asciicast")
    if "download" in request.args:
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
