"""A Problem, as the asker can read it: a page, or JSON for a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from flask import jsonify, make_response, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webapp import problems
from webapp.problems import Problem, http_status
from webapp.wiring import wired

if TYPE_CHECKING:
    from flask import Flask, Response
    from werkzeug.wrappers import Response as AnyResponse

log = structlog.get_logger()

TITLES = {
    401: "Sign in first",
    403: "Not yours",
    404: "Nothing here",
    410: "No longer open",
    429: "A short wait",
}


def init_errors(app: Flask) -> None:
    """One look for every refusal; what nobody foresaw is written down and told without detail."""
    app.register_error_handler(Problem, show_problem)
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _broke)


def show_problem(problem: Problem) -> AnyResponse:
    """The problem as page or JSON; someone who has to sign in is taken there instead."""
    status = http_status(problem)
    wired().metrics.shown(problem)
    if wants_json():
        answer: Response = jsonify(problem=problem.as_dict())
        answer.status_code = status
        return answer
    if problem.code == "sign-in-needed" and request.method == "GET":
        return redirect("/sign-in")
    title = TITLES.get(status, "That did not work")
    return make_response(
        render_template("errors/problem.html", problem=problem, title=title), status
    )


def wants_json() -> bool:
    """Does a script ask, rather than a person?"""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def _form_expired(_error: CSRFError) -> AnyResponse:
    """A forged form, or an honest one that outlived its cookie."""
    return show_problem(
        Problem(
            "form-expired",
            "This form is too old to be taken.",
            "Load the page again, then send it again.",
        )
    )


def _http_error(error: HTTPException) -> AnyResponse:
    match error.code:
        case 404:
            return show_problem(problems.not_found())
        case 405:
            return show_problem(
                Problem("not-allowed", "This address doesn't take that.", "Go back.")
            )
        case 413:
            return show_problem(Problem("too-large", "That was too much to take.", "Send less."))
        case _:
            return show_problem(
                Problem("not-allowed", f"The server refused: {error.name}.", "Go back.")
            )


def _broke(error: Exception) -> AnyResponse:
    log.error("page.broke", path=request.path, exc_info=error)
    return show_problem(problems.broke())
