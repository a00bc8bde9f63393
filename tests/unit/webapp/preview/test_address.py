from __future__ import annotations

import time

import pytest

from webapp.preview.address import Place, Previews, Seat, Signer, bare

PLACE = Place("0123abcd", 3000)
HOUR_S = 3600


def seat(*, until: float | None = None, place: Place = PLACE) -> Seat:
    return Seat(place, "ben", until or time.time() + HOUR_S, "http://lab.example", "https")


def test_a_ticket_is_read_by_whoever_has_the_key_and_nobody_else() -> None:
    ticket = Signer("key").ticket(seat(until=4e9))
    assert Signer("key").admit(ticket) == seat(until=4e9)
    assert Signer("other").admit(ticket) is None
    assert Signer("key").admit(f"{ticket}x") is None
    assert Signer("key").admit("") is None


def test_a_ticket_is_no_seat_and_a_seat_no_ticket() -> None:
    signer = Signer("key")
    assert signer.seated(signer.ticket(seat())) is None
    assert signer.admit(signer.cookie(seat())) is None


def test_a_ticket_is_good_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer("key")
    ticket, now = signer.ticket(seat()), time.time()
    monkeypatch.setattr(time, "time", lambda: now + 59)
    assert signer.admit(ticket)
    monkeypatch.setattr(time, "time", lambda: now + 62)
    assert signer.admit(ticket) is None


def test_a_seat_ends_with_the_workshop() -> None:
    signer = Signer("key")
    assert signer.seated(signer.cookie(seat(until=time.time() + 9)))
    assert signer.seated(signer.cookie(seat(until=time.time() - 1))) is None


@pytest.mark.parametrize("label", ["", "3000", "0-0123abcd", "3000-0123ABCD", "300000-0123abcd"])
def test_a_name_that_is_no_places_is_none(label: str) -> None:
    assert Place.of_label(label) is None


def test_a_place_is_found_again_by_its_label() -> None:
    assert Place.of_label(PLACE.label) == PLACE


@pytest.mark.parametrize(
    ("url", "address", "source"),
    [
        ("", "http://10.0.0.5:20100/", "http://10.0.0.5:*"),
        ("https://p.example", "https://3000-0123abcd.p.example/", "https://*.p.example"),
        ("https://*.p.example/", "https://3000-0123abcd.p.example/", "https://*.p.example"),
        ("p.example:81", "http://3000-0123abcd.p.example:81/", "http://*.p.example:81"),
    ],
)
def test_where_a_preview_is_and_where_frames_may_come_from(
    url: str, address: str, source: str
) -> None:
    previews = Previews.at(20100, url)
    door = previews.door(seat(), "10.0.0.5", "t")
    assert door == f"{address}.slipway/open?ticket=t"
    assert previews.sources("10.0.0.5") == source


@pytest.mark.parametrize("url", ["ftp://p.example", "https://p.example/x", "https://", "a b"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Previews.at(20100, url)


@pytest.mark.parametrize(
    ("host", "name"), [("a.example:80", "a.example"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
)
def test_a_host_without_its_port(host: str, name: str) -> None:
    assert bare(host) == name
