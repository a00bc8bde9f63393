from __future__ import annotations

import time

import h11
import pytest

from webapp.preview import cookies
from webapp.preview.address import Place, Seat
from webapp.preview.headers import Origin, to_browser, to_service

PLACE = Place("0123abcd", 3000)
SEAT = Seat(PLACE, "ben", time.time() + 60, "https://lab.example", "https")
NAMED = Origin("3000-0123abcd.p.example", SEAT, is_named=True)
BY_PORT = Origin("10.0.0.5:20101", SEAT._replace(scheme="http"), is_named=False)


def told(origin: Origin, *headers: tuple[str, str]) -> dict[bytes, bytes]:
    """What a browser hears of a service's answer."""
    return dict(to_browser(h11.Response(status_code=200, headers=list(headers)), origin))


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/there", "/there"),
        ("there?x", "there?x"),
        ("http://localhost:3000/there", "https://3000-0123abcd.p.example/there"),
        ("http://127.0.0.1/there", "https://3000-0123abcd.p.example/there"),
        ("http://3000-0123abcd.p.example/there", "https://3000-0123abcd.p.example/there"),
        ("http://localhost:5000/there", "http://localhost:5000/there"),
        ("https://elsewhere.example/", "https://elsewhere.example/"),
        ("http://[half", "http://[half"),
    ],
)
def test_where_a_redirect_of_a_service_leads(location: str, leads_to: str) -> None:
    assert told(NAMED, ("Location", location))[b"Location"] == leads_to.encode()


def test_what_a_service_links_to_as_plain_http_is_asked_for_as_it_is_reached() -> None:
    policy = b"Content-Security-Policy"
    assert told(NAMED)[policy].endswith(b"; upgrade-insecure-requests")
    assert told(BY_PORT)[policy] == b"frame-ancestors 'self' https://lab.example"


def test_a_host_of_its_own_needs_no_marks_and_may_keep_its_cache() -> None:
    heard = told(NAMED, ("Set-Cookie", "a=1; Domain=p.example; Secure"), ("Cache-Control", "x"))
    assert heard[b"Set-Cookie"] == b"a=1; Secure"
    assert heard[b"Cache-Control"] == b"x"
    assert told(BY_PORT, ("Cache-Control", "x"))[b"Cache-Control"] == b"no-store"


def test_no_answer_plants_more_cookies_than_a_browser_has_room_for() -> None:
    many = [("Set-Cookie", f"c{number}=1") for number in range(400)]
    answer = h11.Response(status_code=200, headers=many)
    kept = [name for name, _ in to_browser(answer, BY_PORT) if name == b"Set-Cookie"]
    assert len(kept) == cookies.MOST


def test_what_concerns_one_connection_stays_there() -> None:
    headers = [
        ("Host", "x"),
        ("Connection", "X-Mine, keep-alive"),
        ("X-Mine", "1"),
        ("TE", "trailers"),
        ("X-Forwarded-For", "10.0.0.9"),
        ("X-Other", "2"),
    ]
    request = h11.Request(method="GET", target="/", headers=headers)
    names = [name.lower() for name, _ in to_service(request, NAMED, upgrades=False)]
    assert names == [b"host", b"x-other", b"x-forwarded-host", b"x-forwarded-proto"]
