"""Before a socket is opened: only for those whom a cookie names, and from a page of ours.

Each opening costs the server a session that is kept for most of a minute, whether or not anybody
says a word by it; a stranger could open hundreds in a second. A page whose socket is refused asks
here why (static/js/lib/why.js), so the answer is a problem like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from flask import jsonify, make_response, request

from webapp.origins import is_own
from webapp.problems import http_status, not_joined, other_name
from webapp.visitors import current_visitor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask, Response

    from webapp.problems import Problem

_PATH = "/socket.io"


def known_only(app: Flask, application: WSGIApplication) -> WSGIApplication:
    """Puts the door before Socket.IO; whoever is inside already isn't asked at each message.

    Args:
        app: whose visitors.
        application: what stands behind.
    """

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = _refusal(app, environ) if _opens(environ) else None
        return (answer or application)(environ, start_response)

    return checked


def _opens(environ: WSGIEnvironment) -> bool:
    is_socket = str(environ["PATH_INFO"]).startswith(_PATH)
    return is_socket and "sid" not in parse_qs(environ.get("QUERY_STRING", ""))


def _refusal(app: Flask, environ: WSGIEnvironment) -> Response | None:
    with app.request_context(environ):
        problem = _reason()
        if problem is None:
            return None
        return make_response(jsonify(problem=problem.as_dict()), http_status(problem))


def _reason() -> Problem | None:
    origin = request.headers.get("Origin")
    if origin is not None and not is_own(origin):
        return other_name(urlsplit(origin).netloc, request.host)
    visitor = current_visitor()
    return None if visitor.person or visitor.learner else not_joined()
