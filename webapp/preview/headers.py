"""What is said to a service of a browser, and to a browser of a service: built anew each way.

Whatever concerns one connection ends here, so both sides agree on where a message ends: h11 reads
it on one side and writes it on the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from webapp.preview import cookies

if TYPE_CHECKING:
    from collections.abc import Iterable

    import h11

    from webapp.preview.address import Place, Seat

Headers = list[tuple[bytes, bytes]]

_OF_ONE_CONNECTION = {
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"upgrade",
    b"http2-settings",
    b"expect",  # answered by us
}
_NOT_TO_SERVICE = {b"cookie", b"forwarded", b"x-forwarded-for", b"x-forwarded-host"}
# What a service may not do to others of its host, or to a browser as a whole.
_NOT_TO_BROWSER = {
    b"alt-svc",
    b"clear-site-data",
    b"cross-origin-resource-policy",
    b"nel",
    b"public-key-pins",
    b"report-to",
    b"set-cookie",
    b"strict-transport-security",
    b"x-frame-options",  # in its place stands who may frame it
}
_OF_A_BODY = {b"content-length", b"transfer-encoding"}
_LOCAL = {"localhost", "127.0.0.1", "[::1]", "0.0.0.0"}  # noqa: S104 - compared, not bound


def has_body(request: h11.Request) -> bool:
    """Whether a body comes after this head."""
    return not {name for name, _ in request.headers}.isdisjoint(_OF_A_BODY)


class Origin:
    """One preview as the browser has it.

    Args:
        host: as the browser says it, with the port.
        seat: whose it is.
        is_named: it has a host of its own.
    """

    def __init__(self, host: str, seat: Seat, *, is_named: bool) -> None:
        self.host = host
        self.seat = seat
        self.is_named = is_named
        self.text = f"{seat.scheme}://{host}"

    @property
    def apart(self) -> Place | None:
        """The place that cookies have to name; None where the host does."""
        return None if self.is_named else self.seat.place


def to_service(request: h11.Request, origin: Origin, *, upgrades: bool) -> Headers:
    """The request's headers as the service gets them.

    It is told the host that the browser asked for, so the absolute links that it makes lead there.
    """
    dropped = _named_by_connection(request.headers) | _OF_ONE_CONNECTION | _NOT_TO_SERVICE
    told = [(name, value) for name, value in _raw(request.headers) if name.lower() not in dropped]
    if own := cookies.for_service(cookies.pairs(request.headers), origin.apart):
        told.append((b"Cookie", own.encode("latin-1")))
    told.append((b"X-Forwarded-Host", origin.host.encode()))
    if not any(name.lower() == b"x-forwarded-proto" for name, _ in told):
        told.append((b"X-Forwarded-Proto", origin.seat.scheme.encode()))
    if upgrades:
        told += [(b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")]
    return told


def to_browser(answer: h11.Response | h11.InformationalResponse, origin: Origin) -> Headers:
    """The service's headers as the browser gets them."""
    dropped = _named_by_connection(answer.headers) | _OF_ONE_CONNECTION | _NOT_TO_BROWSER
    if not origin.is_named:
        dropped = dropped | {b"cache-control", b"expires"}
    told = [
        (name, _located(value, origin) if name.lower() == b"location" else value)
        for name, value in _raw(answer.headers)
        if name.lower() not in dropped
    ]
    told += [(b"Set-Cookie", cookie) for cookie in _cookies(answer.headers, origin)]
    rules = f"frame-ancestors 'self' {origin.seat.home}"
    if origin.seat.scheme == "https":
        # It is spoken to without TLS, so many a service calls itself http:// in what it links to.
        rules += "; upgrade-insecure-requests"
    told.append((b"Content-Security-Policy", rules.encode()))
    told.append((b"Cross-Origin-Resource-Policy", b"same-origin"))
    if not origin.is_named:
        # A port may be another lab's tomorrow: nothing of today's may come out of a cache then.
        told.append((b"Cache-Control", b"no-store"))
    return told


def _cookies(headers: Iterable[tuple[bytes, bytes]], origin: Origin) -> list[bytes]:
    given = [value for name, value in headers if name == b"set-cookie"][: cookies.MOST]
    kept = (cookies.for_browser(each, origin.apart) for each in given)
    return [each for each in kept if each is not None]


def _located(value: bytes, origin: Origin) -> bytes:
    """Where a redirect leads: to the preview, where the service only knows its own address."""
    text = value.decode("latin-1")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return value
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return value
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    own = urlsplit(origin.text)
    is_own = host in _LOCAL or parts.hostname == own.hostname
    if not is_own or port not in {None, origin.seat.place.port, own.port}:
        return value
    return parts._replace(scheme=own.scheme, netloc=own.netloc).geturl().encode("latin-1")


def _named_by_connection(headers: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    values = [value for name, value in headers if name == b"connection"]
    return {word.strip().lower() for value in values for word in value.split(b",")}


def _raw(headers: h11._headers.Headers) -> list[tuple[bytes, bytes]]:
    """With the letters as they were sent: some services look at them."""
    return headers.raw_items()
