"""The front door.

A code and a name, or a PIN; and the way out for the next pupil at this computer.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import structlog
from flask import Blueprint, jsonify, make_response, redirect, render_template, request

from webapp import problems
from webapp.keys import derive_pin
from webapp.models.people import Browser, Person, learners_called, token_hash
from webapp.pages.errors import wants_json
from webapp.preview.cookies import is_seat
from webapp.problems import Problem, http_status
from webapp.tries import CODES, NAMES, PINS
from webapp.visitors import LEARNER_COOKIE, browser_name, current_visitor, set_cookie
from webapp.wiring import wired
from webapp.workshops import joining, returning

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop

log = structlog.get_logger()

blueprint = Blueprint("join", __name__)

# Which field of the form a problem belongs to.
FIELDS = {
    "code": "code",
    "workshop": "code",
    "line": "code",
    "name": "name",
    "pin": "pin",
    "slow": "code",
}

# The form that asked “was it you?” comes back with an attempt that begins so.
SURE = "sure-"


@blueprint.get("/")
def show() -> Response:
    """The empty form."""
    return _form()


@blueprint.get("/j/<code>")
def show_code(code: str) -> Response:
    """The form with a link's code filled in; to the form's own script, what the code leads to.

    The script asks while someone types: its wrong codes count as no tries.
    """
    if not wants_json():
        return _form(code=code[:40], problem=_problem_with_code(code))
    try:
        with wired().database.read() as session:
            found = joining.find_workshop(session, code)
    except Problem as problem:  # an answer like another: a 404 would be an error in the console
        return jsonify(problem=problem.as_dict())
    return jsonify(title=found.title, opened_by=_opened_by(found))


@blueprint.post("/")
def join() -> Response:
    """Joins, and goes to the lesson; with something amiss the form comes back with its sentence."""
    code, name = request.form.get("code", ""), request.form.get("name", "")
    attempt = request.form.get("attempt", "")[:64] or secrets.token_urlsafe(16)
    try:
        workshop = _find(code)
        if not attempt.startswith(SURE):
            _ask_when_taken(workshop, name)
        learner, token = joining.join(wired().database, code, name, attempt)
        wired().tries.succeeded(PINS, browser_name(), str(learner.id))
    except Problem as problem:
        wired().metrics.join_refused(problem)
        return _form(code=code[:40], name=name[:200], problem=problem)
    wired().metrics.joined()
    wired().socketio.start_background_task(wired().line.seat, learner.id)
    return _enter(learner, token, "/pin")


@blueprint.get("/resume")
def show_resume() -> Response:
    """The form for someone who was here before."""
    return _resume_form(request.args.get("code", "")[:40], request.args.get("name", "")[:200])


@blueprint.post("/resume")
def resume() -> Response:
    """Back to one's own lab in another browser, by PIN.

    Wrong ones make this browser wait, nobody else.
    """
    code, name = request.form.get("code", ""), request.form.get("name", "")
    pin = request.form.get("pin", "").strip()[:8]
    try:
        workshop = _find(code)
        learner, token = _resume(workshop, code, name, pin)
    except Problem as problem:
        return _resume_form(code[:40], name[:200], problem)
    return _enter(learner, token, "/lab")


@blueprint.get("/back/<token>")
def show_way_back(token: str) -> str:
    """The page behind a learner's one-time link. Looking doesn't use it up: programs look, too."""
    with wired().database.read() as session:
        learner, workshop = returning.owner_of(session, token)
    return render_template("join/back.html", learner=learner, workshop=workshop)


@blueprint.post("/back/<token>")
def follow_way_back(token: str) -> Response:
    """Back to one's own lab in this browser; the link is used up."""
    learner, cookie = returning.follow(wired().database, token)
    return _enter(learner, cookie, "/lab")


@blueprint.get("/pin")
def show_pin() -> Response:
    """The PIN, once, before the lesson begins; later it stands under the name."""
    learner = current_visitor().learner
    if learner is None:
        return redirect("/")
    pin = derive_pin(wired().key, learner.public_id, learner.pin_turn)
    return make_response(
        render_template("join/pin.html", name=learner.shown_name, pin=pin, next_url="/lab")
    )


@blueprint.post("/leave")
def leave() -> Response:
    """“Not me”: this browser forgets the learner. The lab goes on; its owner returns by PIN.

    Terminals that are open in another tab end, too; elsewhere the learner loads the page again.
    """
    learner = current_visitor().learner
    token = request.cookies.get(LEARNER_COOKIE, "")
    with wired().database.write() as session:
        session.query(Browser).filter_by(token_hash=token_hash(token)).delete()
    if learner is not None:
        _close_terminals(learner)
    answer = redirect("/")
    for name in [LEARNER_COOKIE, *filter(is_seat, request.cookies)]:
        answer.delete_cookie(name)
    return answer


def _close_terminals(learner: Learner) -> None:
    try:
        wired().pumps.withdraw(person=learner.public_id)
    except Problem as problem:
        log.warning("terminals.not_withdrawn", learner=learner.id, code=problem.code)


def _find(code: str) -> Workshop:
    """The workshop of a code; wrong ones are counted against this browser."""
    wired().tries.require_allowed(CODES, browser_name(), "any")
    try:
        with wired().database.read() as session:
            return joining.find_workshop(session, code)
    except Problem as problem:
        if problem.code == "code-unknown":
            wired().tries.failed(CODES, browser_name(), "any")
        raise


def _ask_when_taken(workshop: Workshop, raw_name: str) -> None:
    """Someone of that name is here: was it them? Asked once; whoever goes on is another person.

    Raises:
        Problem: `name-taken`; as `joining.clean_name`.
    """
    name = joining.clean_name(raw_name)
    with wired().database.read() as session:
        same = learners_called(session, workshop.id, joining.name_key(name))
    if same:
        raise problems.name_taken(name, max(each.number for each in same) + 1)


def _resume(workshop: Workshop, code: str, name: str, pin: str) -> tuple[Learner, str]:
    """By PIN; a wrong one is counted against this browser and for each learner it was tried on."""
    tries = wired().tries
    ids = joining.who_could_be(wired().database, workshop, name)
    tried = [(PINS, str(each)) for each in ids] or [(NAMES, "")]
    for allowance, target in tried:
        tries.require_allowed(allowance, browser_name(), target)
    try:
        learner, token = joining.resume(wired().database, wired().key, code, name, pin)
    except Problem as problem:
        if problem.code != "pin-wrong":
            raise
        left = min([tries.failed(allowance, browser_name(), target) for allowance, target in tried])
        raise problems.pin_wrong(joining.clean_name(name), left) from problem
    tries.succeeded(PINS, browser_name(), str(learner.id))
    return learner, token


def _problem_with_code(code: str) -> Problem | None:
    try:
        _find(code)
    except Problem as problem:
        return problem
    return None


def _enter(learner: Learner, token: str, where: str) -> Response:
    answer = redirect(where)
    set_cookie(answer, LEARNER_COOKIE, token)
    wired().news.tell("progress", learner.id)
    return answer


def _form(code: str = "", name: str = "", problem: Problem | None = None) -> Response:
    visitor = current_visitor()
    is_taken = problem is not None and problem.code == "name-taken"
    found = _peek(code) if problem is None or is_taken else None
    page = render_template(
        "join/join.html",
        code=code,
        name=name,
        attempt=(SURE if is_taken else "") + secrets.token_urlsafe(16),
        problem=_placed(problem),
        found=found,
        opened_by=_opened_by(found) if found else "",
        resume_open=is_taken,
        here=visitor.learner,
        here_workshop=visitor.workshop,
    )
    return make_response(page, http_status(problem) if problem else 200)


def _resume_form(code: str, name: str, problem: Problem | None = None) -> Response:
    page = render_template("join/resume.html", code=code, name=name, problem=_placed(problem))
    return make_response(page, http_status(problem) if problem else 200)


def _peek(code: str) -> Workshop | None:
    """The workshop of a code that a link filled in, counted against nobody."""
    if not code:
        return None
    with wired().database.read() as session:
        return joining.find_workshop(session, code)


def _placed(problem: Problem | None) -> Problem | None:
    """The problem, with the field that it stands under."""
    if problem is not None:
        problem.facts.setdefault("field", FIELDS.get(problem.code.partition("-")[0], "code"))
    return problem


def _opened_by(workshop: Workshop) -> str:
    if workshop.opened_by is None:
        return ""
    with wired().database.read() as session:
        return session.get_one(Person, workshop.opened_by).name
