"""Which page made a browser ask: only one of Slipway's own may change anything.

A learner's service is shown on another port of the same host, or under a name beside ours. To a
browser that is the same site, so it sends our cookies along, and cookies know no port, so a script
there can set one of ours: the token of a form proves nothing by itself. A page can't choose its
Origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from flask import request

from webapp.problems import not_yours
from webapp.wiring import wired

if TYPE_CHECKING:
    from collections.abc import Callable
    from wsgiref.types import WSGIEnvironment

    from flask import Flask

log = structlog.get_logger()

_HARMLESS = {"GET", "HEAD", "OPTIONS"}


def init_origins(app: Flask) -> None:
    """Refuses what another site's page sends."""
    app.before_request(_check)


def is_own(origin: str) -> bool:
    """Whether this is the origin of Slipway, as the browser reached it or as it is set."""
    parts = urlsplit(origin)
    public = urlsplit(wired().settings.public_url).netloc
    return parts.scheme in ("http", "https") and parts.netloc in {request.host, public}


def for_sockets(app: Flask) -> Callable[[str | None, WSGIEnvironment], bool]:
    """The same question, as Socket.IO asks it of each of its requests."""

    def is_ours(origin: str | None, environ: WSGIEnvironment) -> bool:
        with app.request_context(environ):
            return origin is None or is_own(origin)

    return is_ours


def _check() -> None:
    """Browsers name the origin with whatever may change something; other programs needn't."""
    origin = request.headers.get("Origin")
    if request.method in _HARMLESS or origin is None or is_own(origin):
        return
    log.warning("page.foreign_origin", origin=urlsplit(origin).netloc[:80])
    raise not_yours()
