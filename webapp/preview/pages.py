"""What a preview's origin says itself: the service isn't there yet, or this browser may not look.

Each page is whole in one answer: nothing of Slipway's is loaded from here, and nothing of it is to
be had on this origin.
"""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from webapp.preview.address import READY

if TYPE_CHECKING:
    from webapp.preview.headers import Headers
    from webapp.problems import Problem

_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 12vh auto 0; padding: 0 1.25rem; }
h1 { font-size: 1.375rem; line-height: 1.3; }
code { font-family: ui-monospace, monospace; }
p { overflow-wrap: anywhere; }
"""
# Asks on, and loads the page itself once the service answers.
_WAIT = """
const look = async () => {
  try {
    const answer = await fetch("%s", { cache: "no-store" });
    if (!answer.ok || (await answer.json()).open) return location.reload();
  } catch {}
  setTimeout(look, 1000);
};
setTimeout(look, 1000);
"""


class Page(NamedTuple):
    """An answer of ours."""

    status: int
    headers: Headers
    body: bytes


def waiting(problem: Problem, home: str) -> Page:
    """Nothing answers there yet; the page goes on by itself as soon as something does."""
    nonce = secrets.token_urlsafe(16)
    more = (
        "<p role=status>This page waits, and shows the service as soon as it answers.</p>"
        f'<script nonce="{nonce}">{_WAIT % READY}</script>'
        "<noscript><meta http-equiv=refresh content=3></noscript>"
    )
    page = _page(503, problem, home, more, f"script-src 'nonce-{nonce}'; connect-src 'self'")
    page.headers.append((b"Retry-After", b"1"))
    return page


def refused(problem: Problem, home: str = "", status: int = 403) -> Page:
    """A sentence, and what to do."""
    return _page(status, problem, home, "", "script-src 'none'")


def plain(problem: Problem, status: int) -> Page:
    """The same for a script or a picture, which nobody reads as a page."""
    text = f"{problem.sentence} {problem.hint}\n".encode()
    return Page(status, _headers(b"text/plain; charset=utf-8", text), text)


def redirect(address: str, cookie: str = "") -> Page:
    """On to another address, with a cookie on the way."""
    headers = [*_headers(b"text/plain", b""), (b"Location", address.encode())]
    if cookie:
        headers.append((b"Set-Cookie", cookie.encode()))
    return Page(303, headers, b"")


def here() -> Page:
    """That a browser has come so far is all that is asked."""
    return Page(204, [(b"Cache-Control", b"no-store")], b"")


def state(*, is_open: bool) -> Page:
    """What the waiting page asks for."""
    body = b'{"open": true}' if is_open else b'{"open": false}'
    return Page(200, _headers(b"application/json", body), body)


def _page(status: int, problem: Problem, home: str, more: str, policy: str) -> Page:
    text = (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Preview · Slipway</title><style>{_STYLE}</style>"
        f"<body><main><h1>{_prose(problem.sentence)}</h1><p>{_prose(problem.hint)}</p>{more}</main>"
    ).encode()
    headers = _headers(b"text/html; charset=utf-8", text)
    frames = f"frame-ancestors 'self' {home}".strip()
    rules = f"default-src 'none'; style-src 'unsafe-inline'; {policy}; {frames}"
    headers.append((b"Content-Security-Policy", rules.encode()))
    return Page(status, headers, text)


def _prose(text: str) -> str:
    """A sentence of ours, with what stands in backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _headers(kind: bytes, body: bytes) -> Headers:
    return [
        (b"Content-Type", kind),
        (b"Content-Length", str(len(body)).encode()),
        (b"Cache-Control", b"no-store"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Referrer-Policy", b"no-referrer"),
    ]
