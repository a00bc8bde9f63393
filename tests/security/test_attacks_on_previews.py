"""Attacks by way of web previews: of a hostile service, a hostile learner, and a hostile page."""

from __future__ import annotations

import base64
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from runtime.client import Problem
from tests.integration.people import open_workshop, read_head
from tests.integration.preview_people import Looker, follow, send, with_service
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

PORT, OTHER_PORT = 3000, 3001
OURS = "slipway_learner=stolen; slipway_person=stolen; slipway_form=stolen; SLIPWAY_browser=x"


@pytest.fixture(scope="module")
def code(server: Server) -> str:
    return str(open_workshop(server)["code"])


@pytest.fixture(scope="module")
def ben(server: Server, code: str) -> Looker:
    return with_service(server, code, "ben", PORT)


@pytest.fixture(scope="module")
def mallory(server: Server, code: str) -> Looker:
    return with_service(server, code, "mallory", PORT)


@pytest.fixture
def witness(ben: Looker) -> Iterator[Looker]:
    """Ben's preview, which works before an attack and after it."""
    assert ben.ask().status == 200
    yield ben
    assert ben.ask().status == 200


def heard(looker: Looker, **headers: str) -> dict[str, str]:
    """What a service was told."""
    return dict(looker.ask("/", **headers).json()["headers"])


# A hostile learner


def test_who_has_no_seat_sees_nothing_of_a_service(witness: Looker) -> None:
    name = witness.cookie.partition("=")[0]
    for cookie in ("", f"{name}=", f"{name}=WyJh.b.c", f"{name}={'x' * 4000}"):
        answer = follow(witness.host, "/", cookie)
        assert answer.status == 403
        assert b"headers" not in answer.body


def test_a_seat_at_ones_own_service_opens_no_other(witness: Looker, mallory: Looker) -> None:
    renamed = f"{witness.cookie.partition('=')[0]}={mallory.cookie.partition('=')[2]}"
    assert follow(mallory.host, "/", mallory.cookie).status == 200
    assert follow(witness.host, "/", mallory.cookie).status == 403
    assert follow(witness.host, "/", renamed).status == 403


def test_a_ticket_is_for_one_lab_and_one_port_and_can_not_be_bent(
    witness: Looker, mallory: Looker
) -> None:
    parts = urlsplit(mallory.ticket)
    assert follow(parts.netloc, f"{parts.path}?{parts.query}x").status == 403
    assert follow(parts.netloc, f"{parts.path}?ticket=").status == 403
    opened = follow(witness.host, f"{parts.path}?{parts.query}")
    assert urlsplit(opened.headers["Location"]).netloc == mallory.host
    named = {"Host": f"{PORT}-{witness.learner.lab}.preview.example"}
    assert follow(parts.netloc, f"{parts.path}?{parts.query}", headers=named).status == 403


def test_the_servers_own_ports_are_not_the_labs(server: Server, ben: Looker) -> None:
    port = int(urlsplit(server.url).port or 0)
    with socket.create_connection(("127.0.0.1", port)):  # the control: it is open to the server
        pass
    with pytest.raises(Problem) as raised:
        server.client.lab_dial(ben.learner.lab, port)
    assert raised.value.code == "port-shut"


# Cookies know no port


def test_slipways_own_cookies_never_reach_a_service(mallory: Looker) -> None:
    mark = f"p{PORT}-{mallory.learner.lab}-"
    said = heard(mallory, Cookie=f"{OURS}; other=1; {mark}mine=2; {mark}slipway_learner=3")
    assert said["Cookie"] == "mine=2"


@pytest.mark.parametrize(
    "cookie",
    [
        "slipway_learner=planted; Path=/",
        "SLIPWAY_person=planted",
        "=slipway_learner=planted",
        "slipway_learner",
        "; slipway_learner=planted",
    ],
)
def test_a_service_can_not_plant_a_cookie_of_ours(mallory: Looker, cookie: str) -> None:
    answer = mallory.ask("/", Say_Set_Cookie=cookie)
    assert answer.headers.get_all("Set-Cookie") is None


def test_a_services_cookie_comes_back_to_it_alone(mallory: Looker, witness: Looker) -> None:
    cookie = "session=a; Domain=127.0.0.1; Path=/; HttpOnly"
    given = mallory.ask("/", Say_Set_Cookie=cookie).headers["Set-Cookie"]
    assert "domain" not in given.lower()
    assert "Path=/; HttpOnly" in given
    sent = given.partition(";")[0]
    assert heard(mallory, Cookie=sent)["Cookie"] == "session=a"
    assert "Cookie" not in heard(witness, Cookie=sent)


# A hostile page


@pytest.mark.parametrize("path", ["/", "/socket"])
def test_another_labs_page_can_not_ask_in_the_viewers_name(
    witness: Looker, mallory: Looker, path: str
) -> None:
    own = {"Origin": f"http://{witness.host}"}
    foreign = [f"http://{mallory.host}", "http://evil.example", "null", f"https://{witness.host}"]
    foreign.append(f"http://{mallory.learner.host}")
    assert follow(witness.host, "/", witness.cookie, headers=own).status == 200
    for origin in foreign:
        answer = follow(witness.host, path, witness.cookie, headers={"Origin": origin})
        assert answer.status == 403, origin


def test_another_service_of_the_same_lab_may_ask(ben: Looker) -> None:
    other = Looker(ben.learner, OTHER_PORT)
    assert ben.ask("/", Origin=f"http://{other.host}").status == 200


def test_what_would_outlive_or_reach_beyond_a_preview_is_kept_back(mallory: Looker) -> None:
    said = {
        "Say_Clear_Site_Data": '"*"',
        "Say_Strict_Transport_Security": "max-age=1; includeSubDomains",
        "Say_Alt_Svc": 'h2="evil.example:443"',
        "Say_Cache_Control": "max-age=31536000",
        "Say_X_Frame_Options": "ALLOWALL",
        "Say_Cross_Origin_Resource_Policy": "cross-origin",
    }
    headers = mallory.ask("/", **said).headers
    for name in ("Clear-Site-Data", "Strict-Transport-Security", "Alt-Svc", "X-Frame-Options"):
        assert name not in headers
    assert headers.get_all("Cache-Control") == ["no-store"]
    assert headers.get_all("Cross-Origin-Resource-Policy") == ["same-origin"]
    home = f"http://{mallory.learner.host}"
    assert headers["Content-Security-Policy"] == f"frame-ancestors 'self' {home}"


def test_no_service_worker_is_installed(mallory: Looker) -> None:
    assert mallory.ask("/worker.js").status == 200
    assert mallory.ask("/worker.js", Service_Worker="script").status == 404


# A hostile service

ANSWERS = {
    "nothing": b"",
    "no HTTP": b"\x00\xff" * 900,
    "HTTP/0.9": b"<p>hello",
    "a huge head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n",
    "a switch nobody asked for": b"HTTP/1.1 101 Hi\r\nUpgrade: websocket\r\n\r\n",
    "words without end": b"HTTP/1.1 103 Wait\r\n\r\n" * 400,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_not_http_becomes_a_sentence(
    mallory: Looker, witness: Looker, name: str
) -> None:
    times = "8" if name == "a huge head" else "1"  # an address has no room for all of it
    path = f"/raw?{base64.urlsafe_b64encode(ANSWERS[name]).decode()}"
    answer = mallory.ask(path, Accept="text/html", Say_Times=times)
    assert answer.status == 502
    assert b"doesn&#x27;t speak HTTP" in answer.body
    assert witness.ask().status == 200


def test_a_body_that_is_cut_off_is_not_passed_for_a_whole_one(mallory: Looker) -> None:
    short = base64.urlsafe_b64encode(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nabc").decode()
    with send(mallory, f"GET /raw?{short} HTTP/1.1") as sock:
        assert b"Content-Length: 90" in read_head(sock)
        got = b""
        while piece := _read(sock):
            got += piece
    assert len(got) < 90


def _read(sock: socket.socket) -> bytes:
    try:
        return sock.recv(4096)
    except ConnectionResetError:
        return b""


def test_a_request_in_another_requests_body_is_never_asked(ben: Looker) -> None:
    inner = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    framed = (f"Content-Length: {len(inner) + 5}", "Transfer-Encoding: chunked")
    with send(ben, "POST / HTTP/1.1", *framed, rest=b"0\r\n\r\n" + inner) as sock:
        sock.shutdown(socket.SHUT_WR)
        said = b""
        while piece := _read(sock):
            said += piece
    assert b"/smuggled" not in said
    twice = ("Content-Length: 1", "Content-Length: 2")
    with send(ben, "POST / HTTP/1.1", *twice, rest=b"ab") as sock:
        assert b" 200 " not in read_head(sock)


def test_no_other_protocol_is_opened_to_a_service(mallory: Looker) -> None:
    said = heard(mallory, Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="x")
    assert not {"Upgrade", "HTTP2-Settings"} & set(said)
    with send(mallory, f"CONNECT {mallory.host} HTTP/1.1") as sock:
        assert b" 200 " not in read_head(sock)


def test_a_service_that_never_answers_costs_its_own_viewer_alone(
    mallory: Looker, witness: Looker
) -> None:
    with ExitStack() as opened:
        for _ in range(110):  # more than one lab may have
            opened.enter_context(send(mallory, "GET /hang HTTP/1.1"))
        wait_for(lambda: mallory.ask().status == 503, "the lab's share to be used")
        assert witness.ask().status == 200
    wait_for(lambda: mallory.ask().status == 200, "the lab's share to be free again")
