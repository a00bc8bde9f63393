"""Writes down what those who teach do: every form that they send, as it was done.

A page needs to do nothing for it. Its function's name is the deed; which workshop and learner it
was about is read from its address, and `note` says what else belongs to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from flask import g, request

from webapp.problems import Problem
from webapp.visitors import current_visitor
from webapp.wiring import wired
from webapp.workshops import deeds

if TYPE_CHECKING:
    from flask import Flask, Response

    from webapp.models.people import Person

log = structlog.get_logger()

_FIRST_REFUSAL = 400


def init_audit(app: Flask) -> None:
    """Looks at each form before and after."""
    app.before_request(_who_asks)
    app.after_request(_write_down)


def note(who: Person | None = None, **facts: object) -> None:
    """What belongs to the deed that this request is.

    Args:
        who: did it, where the request itself brought them in.
        facts: `workshop` and `learner` by their public ids; what its sentence needs; no secret.
    """
    if who is not None:
        g.doer = who
    g.deed_facts = {**_facts(), **facts}


def keep(what: str, *, called: str = deeds.SOMEBODY, **facts: object) -> None:
    """Writes down what no form did, of whoever asks.

    Args:
        what: a key of `deeds.WORDS`.
        called: who did it, where nobody is signed in.
        facts: as `note`.
    """
    _write(what, current_visitor().person, called, facts)


def _who_asks() -> None:
    """Before it is done: who signs out is nobody afterwards."""
    if request.method == "POST":
        g.doer = current_visitor().person


def _write_down(response: Response) -> Response:
    what = request.endpoint or ""
    who = g.get("doer")
    is_done = request.method == "POST" and response.status_code < _FIRST_REFUSAL
    if not is_done or who is None or what not in deeds.WORDS:
        return response
    args = request.view_args or {}
    about = {"workshop": args.get("public_id"), "learner": args.get("learner_id")}
    _write(what, who, deeds.SOMEBODY, {**about, **_facts()})
    return response


def _write(what: str, who: Person | None, called: str, facts: dict[str, Any]) -> None:
    """Writes it; on a full disk the log says so, for what was done is done."""
    try:
        deeds.keep(wired().database, what, who=who, called=called, **facts)
    except Problem as problem:
        log.error("deed.not_kept", what=what, code=problem.code)  # noqa: TRY400 - it says it all


def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = g.get("deed_facts", {})
    return facts
