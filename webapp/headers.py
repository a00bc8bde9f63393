"""What each answer tells the browser not to do."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import g, request

from webapp.preview.address import bare
from webapp.wiring import wired

if TYPE_CHECKING:
    from flask import Flask, Response

POLICY = (
    "default-src 'none'",
    "script-src 'self' 'nonce-{nonce}'",
    "style-src 'self' 'unsafe-inline'",  # styles only: xterm.js shows no colours without it
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self' {sockets} {previews}",  # of a preview a page may try whether it is reached
    "frame-src 'self' {previews}",  # our own address leads to them
    "form-action 'self'",
    "frame-ancestors {framed}",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
)

FIXED = {
    "X-Content-Type-Options": "nosniff",
    # Addresses hold codes and one-time links: nobody else hears them. With `no-referrer` a form's
    # Origin would be null, and forms of ours couldn't be told from others' (origins.py).
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",  # a preview is the same site to a browser
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def init_headers(app: Flask) -> None:
    """Sets the headers on every answer; templates get `csp_nonce()` for the import map."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(_set_headers)


def csp_nonce() -> str:
    """This answer's random value: an inline script that doesn't carry it never runs."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _set_headers(response: Response) -> Response:
    is_file = request.endpoint == "static"
    if is_file and response.mimetype != "image/svg+xml":
        # Sixty small files a page, none of them a document: a policy would outweigh most of them.
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
    # Older Safari doesn't count ws: as 'self', so the socket's origin is named.
    sockets = f"{'wss' if request.is_secure else 'ws'}://{request.host}"
    previews = wired().settings.previews.sources(bare(request.host))
    # What stands in the way of a preview is read in its frame; no other page of ours is framed.
    is_framed = request.blueprint == "preview"
    policy = "; ".join(POLICY).format(
        nonce=csp_nonce(),
        sockets=sockets,
        previews=previews,
        framed="'self'" if is_framed else "'none'",
    )
    if request.is_secure:
        # A service in a frame may link to itself as http://: the page around decides there.
        policy += "; upgrade-insecure-requests"
    if is_framed:
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in FIXED.items():
        response.headers.setdefault(name, value)
    if request.is_secure:  # over http Chromium ignores it, with an error in the console
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if not is_file:
        # A shared computer: Back must not show what the last pupil saw.
        response.headers["Cache-Control"] = "no-store"
    return response
