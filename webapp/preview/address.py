"""Where a preview is, and who may look at it: both sides of what is signed.

The web makes a ticket, the process that carries previews reads it; nothing else passes between
them. A ticket is good for a minute and turns into a seat: a cookie of the preview's own origin that
is good for one lab, one port and one viewer, until their workshop ends.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer

OWN = "/.slipway/"  # the one folder of a preview that is ours and not the service's
OPEN = f"{OWN}open"
READY = f"{OWN}ready"
HERE = f"{OWN}here"
TICKET_S = 60
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?", re.IGNORECASE).fullmatch
_LABEL = re.compile(r"([1-9][0-9]{0,4})-([0-9a-f]{8})")


class Place(NamedTuple):
    """A service: a port of a lab."""

    lab: str
    port: int

    @property
    def label(self) -> str:
        """As the first part of a host name, and in the names of cookies."""
        return f"{self.port}-{self.lab}"

    @classmethod
    def of_label(cls, label: str) -> Place | None:
        """The place that a host name begins with; None where it is no preview's."""
        found = _LABEL.fullmatch(label)
        return cls(found[2], int(found[1])) if found else None


class Seat(NamedTuple):
    """One person's right to look at one service.

    Attributes:
        place: at which.
        viewer: who, by an opaque id.
        until: unix seconds.
        home: the origin of Slipway, which alone may show it in a frame.
        scheme: by which the browser reaches the preview.
    """

    place: Place
    viewer: str
    until: float
    home: str
    scheme: str = "http"


class Signer:
    """Signs seats, and knows its own signature again.

    Args:
        key: that the supervisor gave to the web and to the preview alike.
    """

    def __init__(self, key: str) -> None:
        self._tickets = _serializer(key, "preview ticket")
        self._seats = _serializer(key, "preview seat")

    def ticket(self, seat: Seat) -> str:
        """What the web puts into an address."""
        return _signed(self._tickets, seat)

    def admit(self, ticket: str) -> Seat | None:
        """The seat that a ticket is for; None where it is forged or more than a minute old."""
        return _read(self._tickets, ticket, TICKET_S)

    def cookie(self, seat: Seat) -> str:
        """What the preview's origin keeps in the browser."""
        return _signed(self._seats, seat)

    def seated(self, cookie: str) -> Seat | None:
        """The seat that a cookie is for; None where it is forged or over."""
        seat = _read(self._seats, cookie)
        return seat if seat is not None and seat.until > time.time() else None


def _serializer(key: str, salt: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt, signer_kwargs={"digest_method": hashlib.sha256})


def _signed(serializer: URLSafeTimedSerializer, seat: Seat) -> str:
    return serializer.dumps([*seat.place, *seat[1:]])


def _read(serializer: URLSafeTimedSerializer, text: str, age_s: int | None = None) -> Seat | None:
    try:
        lab, port, *rest = serializer.loads(text, max_age=age_s)
    except BadData:
        return None
    return Seat(Place(lab, port), *rest)


class Previews(NamedTuple):
    """Where this server's previews are, as far as it is set.

    Attributes:
        port: where those begin that have no name; 0 where there are none.
        scheme: of those that have names; empty where none is set.
        domain: below which each has a name of its own.
    """

    port: int
    scheme: str = ""
    domain: str = ""

    @classmethod
    def at(cls, port: int, url: str) -> Previews:
        """From the settings; `url` is such as `https://preview.school.example`.

        Raises:
            ValueError: it is no such address.
        """
        if not url:
            return cls(port)
        parts = urlsplit(url if "://" in url else f"http://{url}")
        domain = parts.netloc.removeprefix("*.")
        if parts.scheme not in {"http", "https"} or parts.path.strip("/") or not _DOMAIN(domain):
            raise ValueError(url)
        return cls(port, parts.scheme, domain)

    def door(self, seat: Seat, host: str, ticket: str) -> str:
        """The address that a browser is sent to, ticket and all.

        Args:
            seat: which preview, and whose.
            host: the name, without a port, by which the browser reached Slipway.
            ticket: the seat's.
        """
        if self.domain:
            origin = f"{self.scheme}://{seat.place.label}.{self.domain}"
        else:
            origin = f"http://{host}:{self.port}"
        return f"{origin}{OPEN}?ticket={quote(ticket)}"

    def trial(self, host: str) -> str:
        """An address that answers anybody, for a page to try whether previews are reached."""
        if self.domain:
            return f"{self.scheme}://check.{self.domain}{HERE}"
        return f"http://{host}:{self.port}{HERE}" if self.port else ""

    def sources(self, host: str) -> str:
        """Where a page of Slipway's may take frames from, as its policy says it."""
        if self.domain:
            return f"{self.scheme}://*.{self.domain}"
        return f"http://{host}:*" if self.port else ""


def bare(host: str) -> str:
    """A host without its port: `[::1]:80` is `[::1]`."""
    return re.sub(r":\d*$", "", host)
