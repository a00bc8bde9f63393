"""A terminal's websocket from its opening on; the client sends what it likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.people import Learner, knock, open_workshop
from tests.integration.pump_harness import Browser
from webapp.terminals.frames import Op, encode_masked

if TYPE_CHECKING:
    from tests.conftest import Server


@pytest.fixture(scope="module")
def code(server: Server) -> str:
    """The code of a workshop that is open."""
    return str(open_workshop(server)["code"])


@pytest.fixture(scope="module")
def ada(server: Server, code: str) -> Learner:
    return Learner(server, code, "ada")


@pytest.fixture(scope="module")
def mallory(server: Server, code: str) -> Learner:
    return Learner(server, code, "mallory")


def test_a_learner_reaches_their_own_shell(ada: Learner) -> None:
    head, sock = knock(
        ada,
        f"/terminal/{ada.lab}/1",
        headers={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
    )
    assert head.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head  # RFC 6455's own example
    assert "Extensions" not in head
    with sock:
        browser = Browser(sock)
        browser.until_ready()
        assert browser.hello["may"] == "type"
        browser.type("echo reached-$((6 * 7))\r")
        browser.until_shows(b"reached-42")


def test_a_frame_sent_with_the_opening_is_not_lost(ada: Learner) -> None:
    ping = encode_masked(Op.PING, b"early")
    head, sock = knock(ada, f"/terminal/{ada.lab}/1", also=ping[:4])
    assert " 101 " in head
    with sock:
        browser = Browser(sock)
        browser.send_raw(ping[4:])
        browser.until(lambda: browser.find("pong") == [b"early"], "the answer to a ping")


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://evil.example:80", "file://", "garbage"]
)
def test_another_site_can_not_open_a_terminal(ada: Learner, origin: str | None) -> None:
    head, sock = knock(ada, f"/terminal/{ada.lab}/1", origin=origin)
    sock.close()
    assert head.startswith("HTTP/1.1 403 ")


def test_a_neighbour_can_not_open_a_terminal(ada: Learner, mallory: Learner) -> None:
    head, sock = knock(mallory, f"/terminal/{ada.lab}/1")
    sock.close()
    assert head.startswith("HTTP/1.1 403 ")
    head, sock = knock(mallory, f"/terminal/{mallory.lab}/1")  # the control: their own opens
    sock.close()
    assert " 101 " in head


@pytest.mark.parametrize("cookies", ["", "slipway_learner=nobody", "slipway_learner=" + "x" * 3000])
def test_who_has_not_joined_can_not_open_a_terminal(ada: Learner, cookies: str) -> None:
    head, sock = knock(ada, f"/terminal/{ada.lab}/1", cookies=cookies)
    sock.close()
    assert head.startswith("HTTP/1.1 403 ")


@pytest.mark.parametrize("path", ["00000000/1", "../1", "LAB/9", "LAB/0", "LAB/1%00", "LAB/x"])
def test_a_terminal_that_is_not_there_is_not_found(ada: Learner, path: str) -> None:
    head, sock = knock(ada, f"/terminal/{path.replace('LAB', ada.lab)}")
    sock.close()
    assert head.startswith("HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "headers", [{"Sec-WebSocket-Key": "short"}, {"Sec-WebSocket-Version": "8"}]
)
def test_a_broken_opening_is_refused(ada: Learner, headers: dict[str, str]) -> None:
    head, sock = knock(ada, f"/terminal/{ada.lab}/1", headers=headers)
    sock.close()
    assert head.startswith("HTTP/1.1 404 ")


def test_a_place_that_makes_no_sense_begins_anew(ada: Learner) -> None:
    head, sock = knock(ada, f"/terminal/{ada.lab}/1?after=-5&epoch=%00x")
    assert " 101 " in head
    with sock:
        browser = Browser(sock)
        browser.until_ready()
        assert browser.hello["replay"] in ("fresh", "screen")
