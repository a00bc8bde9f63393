"""Cookies know no port: ours are kept from the service, and its own from everybody else.

Where each preview has a host name, a browser keeps their cookies apart by itself, as long as none
names a domain. Where previews are ports of one host, a service's cookies are given a name that
begins with its place, and only those that have it are brought back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from webapp.preview.address import Place

OURS = "slipway_"
MOST = 24  # of one answer: a browser has room for some 180 a host, and throws out the oldest
_COOKIE_BYTES = 4096
_ATTRIBUTES = ("expires", "max-age", "path", "samesite", "secure", "httponly", "partitioned")


def seat_name(place: Place) -> str:
    """The cookie that holds the right to look at a place."""
    return f"{OURS}preview_{place.label}"


def is_seat(name: str) -> bool:
    """Whether this is the name of such a cookie."""
    return name.startswith(f"{OURS}preview_")


def pairs(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Every name and value of a request's cookies, in the browser's order."""
    found = []
    for name, value in headers:
        if name == b"cookie":
            for part in value.decode("latin-1").split(";"):
                key, equals, text = part.strip().partition("=")
                if equals:
                    found.append((key, text))
    return found


def for_service(sent: Iterable[tuple[str, str]], apart: Place | None) -> str:
    """What the service is told: its own cookies, under the names that it gave them.

    Args:
        sent: as the browser has them.
        apart: the service's place, where previews share a host; None where it has its own.
    """
    mark = _mark(apart)
    own = [
        f"{name.removeprefix(mark)}={value}"
        for name, value in sent
        if name.startswith(mark) and not _is_ours(name.removeprefix(mark))
    ]
    return "; ".join(own)


def for_browser(cookie: bytes, apart: Place | None) -> bytes | None:
    """A cookie of the service's as the browser may keep it; None where it may not.

    Args:
        cookie: the value of its Set-Cookie.
        apart: as of `for_service`.
    """
    first, *rest = cookie.decode("latin-1").split(";")
    name, equals, value = first.strip().partition("=")
    # A cookie without a name is sent back as its value, which may look like one of ours.
    if not equals or not name or _is_ours(name) or len(cookie) > _COOKIE_BYTES:
        return None
    kept = [part.strip() for part in rest if _attribute(part) in _ATTRIBUTES]
    return "; ".join([f"{_mark(apart)}{name}={value}", *kept]).encode("latin-1")


def _attribute(part: str) -> str:
    return part.partition("=")[0].strip().lower()


def _is_ours(name: str) -> bool:
    return name.strip().lower().startswith(OURS)


def _mark(apart: Place | None) -> str:
    return f"p{apart.label}-" if apart else ""
