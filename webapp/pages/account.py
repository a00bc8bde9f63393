"""How someone who teaches comes in and goes out, and at which browsers they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, make_response, redirect, render_template, request

from webapp import audit
from webapp.models.base import NUMBER_MOST
from webapp.models.people import Browser, sign_ins_of, token_hash
from webapp.pages.agents import in_words
from webapp.pages.staff import signed_in
from webapp.problems import Problem, http_status
from webapp.tries import PASSWORDS
from webapp.visitors import PERSON_COOKIE, browser_name, current_visitor, set_cookie
from webapp.wiring import wired
from webapp.workshops import teaching
from webapp.workshops.joining import name_key

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("account", __name__)


@blueprint.get("/welcome/<token>")
def show_welcome(token: str) -> Response:
    """The page behind a one-time link. Looking doesn't use it up: mail programs look, too."""
    return _welcome(token)


@blueprint.post("/welcome/<token>")
def welcome(token: str) -> Response:
    """Sets the password; the link is used up."""
    password = request.form.get("password", "")
    try:
        _require_same(password, request.form.get("again", ""))
        person, cookie = teaching.follow_link(
            wired().database, wired().passwords, token, password, _agent()
        )
    except Problem as problem:
        if problem.code == "link-used":
            raise
        return _welcome(token, problem)
    audit.note(who=person)
    return _come_in(cookie)


@blueprint.get("/sign-in")
def show_sign_in() -> Response:
    """The form; who is signed in is taken to their workshops."""
    return redirect("/workshops") if current_visitor().person else _sign_in()


@blueprint.post("/sign-in")
def sign_in() -> Response:
    """Checks name and password; wrong ones make this browser wait, nobody else."""
    name = request.form.get("name", "")[:200]
    target = name_key(name.strip())
    try:
        wired().tries.require_allowed(PASSWORDS, browser_name(), target)
        person, cookie = teaching.sign_in(
            wired().database, wired().passwords, name, request.form.get("password", ""), _agent()
        )
    except Problem as problem:
        if problem.code == "sign-in-wrong":
            wired().tries.failed(PASSWORDS, browser_name(), target)
            _keep_wrong_try(name)
        return _sign_in(name, problem)
    wired().tries.succeeded(PASSWORDS, browser_name(), target)
    audit.note(who=person)
    return _come_in(cookie)


def _keep_wrong_try(name: str) -> None:
    """At an account that there is; so many as are let through, which is few in an hour."""
    with wired().database.read() as session:
        tried = teaching.person_called(session, name)
    if tried is not None:
        audit.keep("account.wrong", name=tried.name)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends this browser's sign-in; the cookie is worth nothing afterwards."""
    with wired().database.write() as session:
        hashed = token_hash(request.cookies.get(PERSON_COOKIE, ""))
        session.query(Browser).filter_by(token_hash=hashed).delete()
    answer = redirect("/sign-in")
    answer.delete_cookie(PERSON_COOKIE)
    return answer


@blueprint.get("/account")
def show_account() -> str:
    """Who is signed in, as what, and at which browsers."""
    return _account()


@blueprint.post("/account/password")
def set_password() -> Response:
    """Another password, for who knows the one there is; all other browsers are signed out."""
    person = signed_in()
    target = name_key(person.name)
    password = request.form.get("password", "")
    try:
        wired().tries.require_allowed(PASSWORDS, browser_name(), target)
        _require_same(password, request.form.get("again", ""))
        teaching.change_password(
            wired().database, wired().passwords, person.id, request.form.get("now", ""), password
        )
    except Problem as problem:
        if problem.code == "password-wrong":
            wired().tries.failed(PASSWORDS, browser_name(), target)
        return make_response(_account(problem), http_status(problem))
    teaching.end_sign_ins(wired().database, person.id, keep=current_visitor().sign_in)
    return redirect("/account")


@blueprint.post("/account/sign-ins/<int:browser_id>/end")
def end_one(browser_id: int) -> Response:
    """Signs one browser of whoever asks out; one of anybody else's isn't theirs to end."""
    only = min(browser_id, NUMBER_MOST)
    teaching.end_sign_ins(wired().database, signed_in().id, only=only)
    return redirect("/account")


@blueprint.post("/account/sign-ins/end-others")
def end_others() -> Response:
    """Signs out everywhere but here."""
    person = signed_in()
    teaching.end_sign_ins(wired().database, person.id, keep=current_visitor().sign_in)
    return redirect("/account")


def _account(problem: Problem | None = None) -> str:
    person = signed_in()
    with wired().database.read() as session:
        sign_ins = sign_ins_of(session, person.id)
    return render_template(
        "account/account.html",
        person_name=person.name,
        person=person,
        sign_ins=sign_ins,
        here=current_visitor().sign_in,
        problem=problem,
    )


def _agent() -> str:
    return in_words(request.user_agent.string)


def _require_same(password: str, again: str) -> None:
    if password != again:
        raise Problem(
            "passwords-differ",
            "The two passwords differ.",
            "Type the same one twice.",
            field="again",
        )


def _come_in(cookie: str) -> Response:
    answer = redirect("/workshops")
    set_cookie(answer, PERSON_COOKIE, cookie)
    return answer


def _welcome(token: str, problem: Problem | None = None) -> Response:
    with wired().database.read() as session:
        person = teaching.person_of_link(session, token)
    page = render_template("account/welcome.html", name=person.name, problem=problem)
    return make_response(page, http_status(problem) if problem else 200)


def _sign_in(name: str = "", problem: Problem | None = None) -> Response:
    page = render_template("account/sign-in.html", name=name, problem=problem)
    return make_response(page, http_status(problem) if problem else 200)
