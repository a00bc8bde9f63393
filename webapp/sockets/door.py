"""Before a socket is opened: only for those whom a cookie names.

Each opening costs the server a session that is kept for most of a minute, whether or not anybody
says a word by it; a stranger could open hundreds in a second.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from werkzeug.wrappers import Response

from webapp.visitors import current_visitor

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

_PATH = "/socket.io"


def known_only(app: Flask, application: WSGIApplication) -> WSGIApplication:
    """Puts the door before Socket.IO; whoever is inside already isn't asked at each message.

    Args:
        app: whose visitors.
        application: what stands behind.
    """

    def checked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _opens(environ) and not _is_known(app, environ):
            return Response("Join first.\n", HTTPStatus.FORBIDDEN)(environ, start_response)
        return application(environ, start_response)

    return checked


def _opens(environ: WSGIEnvironment) -> bool:
    is_socket = str(environ["PATH_INFO"]).startswith(_PATH)
    return is_socket and "sid" not in parse_qs(environ.get("QUERY_STRING", ""))


def _is_known(app: Flask, environ: WSGIEnvironment) -> bool:
    with app.request_context(environ):
        visitor = current_visitor()
        return bool(visitor.person or visitor.learner)
