"""A learner's own service in a browser: what goes through, and what doesn't."""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.integration.people import DEADLINE_S, Learner, open_workshop, read_head
from tests.integration.preview_people import Looker, follow, send, start_service
from tests.integration.test_supervisor_walls import child_of
from tests.waiting import wait_for
from webapp.preview.address import Place, Previews, Seat, Signer

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.conftest import Server

PORT, OTHER_PORT, SHUT_PORT, LATE_PORT = 3000, 3001, 3002, 3003
PAGE = "text/html,application/xhtml+xml"
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def code(server: Server) -> str:
    return str(open_workshop(server)["code"])


@pytest.fixture(scope="module")
def ben(server: Server, code: str) -> Learner:
    return Learner(server, code, "ben")


@pytest.fixture(scope="module")
def looker(server: Server, ben: Learner) -> Looker:
    start_service(server, ben.lab, PORT)
    return Looker(ben, PORT)


def test_a_service_is_seen_on_an_origin_that_is_not_slipways(looker: Looker) -> None:
    answer = looker.ask("/here?x=1")
    heard = dict(answer.json()["headers"])
    assert answer.status == 200
    assert answer.json()["path"] == "/here?x=1"
    assert looker.host != looker.learner.host
    assert heard["Host"] == heard["X-Forwarded-Host"] == looker.host


def test_two_services_of_one_lab_have_two_origins(
    server: Server, ben: Learner, looker: Looker
) -> None:
    start_service(server, ben.lab, OTHER_PORT)
    other = Looker(ben, OTHER_PORT)
    assert other.host != looker.host
    assert other.ask().status == looker.ask().status == 200
    assert Looker(ben, PORT).host == looker.host  # it stays where it was


@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_an_upload_arrives_whole(looker: Looker, size: int) -> None:
    sent = os.urandom(size)
    answer = looker.ask("/", "POST", sent)
    assert answer.json() == {"bytes": size, "sha256": hashlib.sha256(sent).hexdigest()}


def test_an_upload_in_pieces_of_no_length_arrives_whole(looker: Looker) -> None:
    pieces = [os.urandom(70_000), b"x", os.urandom(9)]
    answer = looker.ask("/", "POST", iter(pieces), Transfer_Encoding="chunked")
    assert answer.json()["sha256"] == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_events_come_one_by_one_as_they_are_said(looker: Looker) -> None:
    connection = http.client.HTTPConnection(looker.host, timeout=DEADLINE_S)
    connection.request("GET", "/events", headers={"Cookie": looker.cookie})
    answer = connection.getresponse()
    for number in range(3):  # the service says the next one only when we have had this one
        assert answer.readline() == f"data: {number}\n".encode()
        assert answer.readline() == b"\n"
        assert looker.ask("/", "PUT").status == 200
    assert answer.read() == b""
    connection.close()


@pytest.fixture
def websocket(looker: Looker) -> Iterator[socket.socket]:
    upgrade = (f"{name}: {value}" for name, value in UPGRADE.items())
    with send(looker, "GET /socket HTTP/1.1", *upgrade, f"Origin: http://{looker.host}") as sock:
        yield sock


def test_a_websocket_carries_both_ways_until_the_viewer_leaves(websocket: socket.socket) -> None:
    assert read_head(websocket).startswith(b"HTTP/1.1 101 ")
    for frame in (os.urandom(5), os.urandom(40_000)):
        websocket.sendall(frame)
        got = b""
        while len(got) < len(frame):
            got += websocket.recv(65536)
        assert got == frame


def test_a_redirect_to_the_services_own_address_stays_in_the_preview(looker: Looker) -> None:
    answer = looker.ask("/leave")
    assert answer.status == 302
    assert answer.headers["Location"] == f"http://{looker.host}/arrived?x=1"


@pytest.mark.parametrize(
    ("said", "status", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304, b""),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", 200, b"to the end"),
        (b"HTTP/1.1 103 Wait\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: x\r\n\r\n",
            200,
            b"a",
        ),
    ],
    ids=["nothing", "nothing new", "no length", "a word before", "pieces and a trailer"],
)
def test_an_answer_of_any_shape_comes_as_it_was_meant(
    looker: Looker, said: bytes, status: int, body: bytes
) -> None:
    answer = looker.ask(f"/raw?{base64.urlsafe_b64encode(said).decode()}")
    assert (answer.status, answer.body) == (status, body)


def test_a_port_that_is_shut_shows_a_page_that_waits_and_then_the_service(
    server: Server, ben: Learner
) -> None:
    looker = Looker(ben, LATE_PORT)
    waiting = looker.ask("/", Accept=PAGE)
    assert waiting.status == 503
    assert b"Nothing answers on port 3003" in waiting.body
    assert looker.ask("/.slipway/ready").json() == {"open": False}
    start_service(server, ben.lab, LATE_PORT)
    assert looker.ask("/.slipway/ready").json() == {"open": True}
    assert looker.ask("/", Accept=PAGE).status == 200


def test_what_no_person_reads_gets_its_sentence_as_text(ben: Learner) -> None:
    answer = Looker(ben, SHUT_PORT).ask("/picture.png", Accept="image/*")
    assert answer.status == 503
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_page_stays_where_it_is_when_the_process_of_previews_is_killed(
    server: Server, looker: Looker
) -> None:
    before = child_of(server, "webapp.preview")
    os.kill(before, 9)
    wait_for(lambda: child_of(server, "webapp.preview") not in {0, before}, "a new process")
    wait_for(lambda: _answers(looker), "the same page again")


def test_where_a_name_is_set_each_service_has_a_host_of_its_own(
    server: Server, looker: Looker
) -> None:
    key = environment_of(child_of(server, "webapp.preview"))["SLIPWAY_PREVIEW_KEY"]
    place = Place(looker.learner.lab, PORT)
    seat = Seat(place, "ben", time.time() + 60, "https://lab.example", "https")
    named = {"Host": f"{place.label}.preview.example"}
    ticket = urlsplit(
        Previews.at(1, "https://preview.example").door(seat, "", Signer(key).ticket(seat))
    )
    assert ticket.netloc == named["Host"]
    door = urlsplit(looker.ticket).netloc
    opened = follow(door, f"{ticket.path}?{ticket.query}", headers=named)
    cookie, _, how = opened.headers["Set-Cookie"].partition(";")
    assert (opened.status, opened.headers["Location"]) == (303, "/")
    assert "Secure" in how
    own = follow(door, "/", f"{cookie}; mine=1; slipway_learner=x", headers=named)
    assert dict(own.json()["headers"])["Cookie"] == "mine=1"
    assert dict(own.json()["headers"])["X-Forwarded-Proto"] == "https"
    other = {"Host": f"{OTHER_PORT}-{place.lab}.preview.example"}
    assert follow(door, "/", cookie, headers=other).status == 403


def environment_of(pid: int) -> dict[str, str]:
    words = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(word.split("=", 1) for word in words if word)


def _answers(looker: Looker) -> bool:
    try:
        return looker.ask("/").status == 200
    except OSError:
        return False
