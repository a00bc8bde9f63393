"""A recorded workshop from its opening to its end, on a whole server."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.error
from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from tests.integration.people import Instructor, Learner, knock
from tests.integration.pump_harness import Browser
from tests.integration.test_supervisor_walls import pump_of
from tests.waiting import wait_for
from webapp.terminals.client import Pump

if TYPE_CHECKING:
    from tests.conftest import Server


def lines_of(ada: Learner) -> list[str]:
    """The file behind the download button."""
    (address,) = re.findall(r'href="(/recordings/[^"]+download=1)"', ada.read("/recordings"))
    return ada.read(address).splitlines()


def carries(server: Server) -> bool:
    """Whether the pump answers."""
    try:
        return bool(Pump(server.instance.run_path / "pump" / "control.sock").activity())
    except Problem:
        return False


def test_a_recorded_terminal_is_shown_marked_downloaded_and_deleted_at_the_end(
    server: Server,
) -> None:
    teacher = Instructor(server, "grace")
    lesson = "00-your-terminal"
    opened = teacher.send(
        "/workshops/new",
        "/workshops",
        lessons=lesson,
        max_learners=5,
        minutes=60,
        internet="off",
        recording="on",
    )
    code = re.search(r'__letters mono">([^<]+)<', opened)
    place = re.search(r'"(/workshops/[^/"]+)/end"', opened)
    assert code
    assert place
    ada = Learner(server, code[1], "ada")
    assert 'href="/recordings"' in ada.read("/lab")
    head, sock = knock(ada, f"/terminal/{ada.lab}/1")
    assert " 101 " in head
    with sock:
        browser = Browser(sock)
        browser.until_ready()
        wait_for(lambda: "download=1" in ada.read("/recordings"), "the recording")
        browser.type("echo seen-$((6 * 7))\r")
        browser.until_shows(b"seen-42")
        wait_for(lambda: "seen-42" in "".join(lines_of(ada)), "what was shown")
        pump = pump_of(server)
        os.kill(pump, signal.SIGKILL)
    wait_for(lambda: pump_of(server) != pump and carries(server), "another pump")
    _, sock = knock(ada, f"/terminal/{ada.lab}/1")
    with sock:
        browser = Browser(sock)
        browser.until_ready()
        browser.type("echo later-$((6 * 8))\r")
        wait_for(lambda: "later-48" in "".join(lines_of(ada)), "the recording to go on")
    header, *events = [json.loads(line) for line in lines_of(ada)]
    assert (header["version"], header["title"]) == (2, "Your terminal")
    assert [at for at, *_ in events] == sorted(at for at, *_ in events)
    name = f"/recordings/{ada.lab}-1.cast"
    bob = Learner(server, code[1], "bob")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        bob.read(name)
    teacher.send(f"{place[1]}/end", f"{place[1]}/end")
    wait_for(lambda: "download=1" not in ada.read("/recordings"), "the recording to be deleted")
