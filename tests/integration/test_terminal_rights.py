"""Rights that change while a terminal is open, also when nobody is there to withdraw them."""

from __future__ import annotations

import os
import signal
import urllib.parse
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.people import Instructor, Learner, knock, open_workshop, web_command
from tests.integration.pump_harness import Browser
from tests.security.test_bad_days import children_of
from tests.waiting import wait_for
from webapp.terminals.client import Pump

if TYPE_CHECKING:
    from tests.conftest import Server


@pytest.fixture(scope="module")
def opened(server: Server) -> dict[str, Any]:
    """A workshop, as the command line told of it."""
    return open_workshop(server)


@pytest.fixture(scope="module")
def ben(server: Server, opened: dict[str, Any]) -> Learner:
    return Learner(server, opened["code"], "ben")


def may_they(server: Server, may: str) -> bool:
    return [each["may"] for each in pump_of(server).grants()] == [may]


def pump_of(server: Server) -> Pump:
    return Pump(server.instance.run_path / "pump/control.sock")


def test_who_is_signed_out_behind_the_web_stops_watching_when_it_is_back(
    server: Server, ben: Learner
) -> None:
    ada = Instructor(server, "ada")
    head, watching = knock(ada, f"/terminal/{ben.lab}/1")
    assert " 101 " in head
    _, typing = knock(ben, f"/terminal/{ben.lab}/1")
    with watching, typing:
        eyes, hands = Browser(watching), Browser(typing)
        eyes.until_ready()
        hands.until_ready()
        web = children_of(server.pid)["webapp"]
        os.kill(web, signal.SIGSTOP)  # it hears of nothing, and is replaced as soon as it is dead
        web_command(server, "person", "instructor", "reset", "ada")
        os.kill(web, signal.SIGKILL)
        eyes.until_closed()
        assert eyes.find("E") == [{"reason": "withdrawn"}]
        hands.type("echo still-$((40 + 2))\r")
        hands.until_shows(b"still-42")
    assert children_of(server.pid)["webapp"] != web


@pytest.fixture(scope="module")
def grace(server: Server) -> Instructor:
    return Instructor(server, "grace")


def test_nobody_types_while_the_class_is_paused_and_the_shell_goes_on_after_it(
    server: Server, opened: dict[str, Any], ben: Learner, grace: Instructor
) -> None:
    page = urllib.parse.urlsplit(opened["page"]).path
    _, typing = knock(ben, f"/terminal/{ben.lab}/1")
    with typing:
        hands = Browser(typing)
        hands.until_ready()
        for do, may in (("pause", "watch"), ("go-on", "type")):
            grace.send(page, f"{page}/pause", do=do)
            wait_for(partial(may_they, server, may), f"a grant to {may}")
            hands.type(f"echo said-{do}-$((40 + 2))\r")
        hands.until_shows(b"said-go-on-42")
        assert b"said-pause" not in bytes(hands.output)


def test_a_workshop_that_is_given_more_time_gives_it_to_open_terminals(
    server: Server, opened: dict[str, Any], ben: Learner, grace: Instructor
) -> None:
    page = urllib.parse.urlsplit(opened["page"]).path
    _, typing = knock(ben, f"/terminal/{ben.lab}/1")
    with typing:
        Browser(typing).until_ready()
        (before,) = (each["until"] for each in pump_of(server).grants())
        grace.send(page, f"{page}/minutes", minutes=15)
        wait_for(
            lambda: [each["until"] for each in pump_of(server).grants()] == [before + 900],
            "the grant to end later",
        )
