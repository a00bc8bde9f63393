"""Is this server well? For whatever watches it; no person reads this."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from webapp.problems import Problem
from webapp.wiring import wired

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """200 when pages and labs can be had, else 503 with the reason."""
    reason = _what_is_wrong()
    answer = jsonify({"ok": True} if reason is None else {"ok": False, "reason": reason})
    answer.status_code = 200 if reason is None else 503
    return answer


def _what_is_wrong() -> str | None:
    with wired().database.read() as session:
        session.connection()
    try:
        status = wired().engine.status()
    except Problem as problem:
        return problem.sentence
    return None if status["ready"] else "The runtime is still starting."
