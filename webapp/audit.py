"""Writes down what those who teach do: every form that they send, as it was done.

A page needs to do nothing for it. Its function's name is the deed; which workshop and learner it
was about is read from its address, and `note` says what else belongs to it. Its row is a part of
the first transaction in which it changes anything, so that no deed is there without it; what is
noted later is added when all was done.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from flask import g, has_request_context, request

from webapp.models.deeds import Deed
from webapp.problems import Problem
from webapp.visitors import current_visitor
from webapp.wiring import wired
from webapp.workshops import deeds

if TYPE_CHECKING:
    from flask import Flask, Response
    from sqlalchemy.orm import Session

    from webapp.models.database import Database
    from webapp.models.people import Person

log = structlog.get_logger()

_FIRST_REFUSAL = 400


def init_audit(app: Flask, database: Database) -> None:
    """Looks at each form before, while and after it is done."""
    database.write_along(_write_along)
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


def _deed_here() -> tuple[str, Person, dict[str, Any]] | None:
    """What this request does, who does it, and what is known of it; None where it is no deed."""
    what = request.endpoint or ""
    who = g.get("doer")
    if request.method != "POST" or who is None or what not in deeds.WORDS:
        return None
    args = request.view_args or {}
    about = {"workshop": args.get("public_id"), "learner": args.get("learner_id")}
    return what, who, {**about, **_facts()}


def _write_along(session: Session) -> None:
    """The first thing that a deed changes has its row beside it."""
    if not has_request_context() or "deed_row" in g or "is_logging" in g:
        return
    if (done := _deed_here()) is None:
        return
    what, who, facts = done
    row = deeds.deed(what, who=who, **facts)
    session.add(row)
    session.flush()
    g.deed_row = row.id


def _write_down(response: Response) -> Response:
    done = _deed_here()
    if done is None or response.status_code >= _FIRST_REFUSAL:
        return response
    what, who, facts = done
    if (row := g.get("deed_row")) is None:
        _write(what, who, deeds.SOMEBODY, facts)
    else:
        _complete(row, deeds.deed(what, who=who, **facts))
    return response


def _complete(row: int, told: Deed) -> None:
    """Adds to a row what was noted since; on a full disk it stays as it is."""
    with suppress(Problem), wired().database.write() as session:
        if (kept := session.get(Deed, row)) is not None:
            kept.who, kept.person = told.who, told.person
            kept.workshop, kept.learner, kept.facts = told.workshop, told.learner, told.facts


def _write(what: str, who: Person | None, called: str, facts: dict[str, Any]) -> None:
    """Writes it; on a full disk the log says so, for what was done is done."""
    g.is_logging = True  # this row is no change that has one
    try:
        deeds.keep(wired().database, what, who=who, called=called, **facts)
    except Problem as problem:
        log.error("deed.not_kept", what=what, code=problem.code)  # noqa: TRY400 - it says it all
    finally:
        g.pop("is_logging")


def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = g.get("deed_facts", {})
    return facts
