"""Debian's nginx in front, as docs/operating.md has it, which cuts what is silent for a while."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from tests.conftest import free_port
from tests.integration.people import read_head
from tests.integration.pump_harness import DEADLINE_S, Stage
from tests.proxies import documented, nginx_of
from webapp.terminals.connection import PING_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN_LIMIT_S = 60  # of nginx, and of most others
LIMIT_S = 4  # of this one; the pump's pings come sooner in the same measure
PUMP = f"""
from webapp.terminals import connection
connection.PING_EVERY_S *= {LIMIT_S} / {OWN_LIMIT_S}
from webapp.terminals.__main__ import main
main()
"""
NEAR = "127.0.0.1"
SITE = """
    server {{
        listen {near}:{port};
        proxy_read_timeout {limit_s}s;
        proxy_send_timeout {limit_s}s;
        {location}
    }}
"""
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class Proxied:
    """Ways through nginx to the server behind it, which the test plays up to its answer.

    Args:
        port: where nginx listens.
        server: what it leads to.
    """

    def __init__(self, port: int, server: socket.socket) -> None:
        self._server, self._port = server, port

    def open(self) -> tuple[socket.socket, socket.socket]:
        """A websocket that went through it: the browser's end, and the server's."""
        browser = socket.create_connection((NEAR, self._port), timeout=DEADLINE_S)
        asked = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        browser.sendall(asked.encode())
        server, _ = self._server.accept()
        server.settimeout(DEADLINE_S)
        assert b"upgrade: websocket\r\n" in read_head(server).lower()
        server.sendall(ANSWER)
        assert read_head(browser).startswith(b"HTTP/1.1 101 ")
        return browser, server


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    location = re.search(
        r"^    location / \{$.*?^    \}$", documented("server {"), re.MULTILINE | re.DOTALL
    )
    assert location
    port = free_port()
    with socket.create_server((NEAR, 0)) as server:
        server.settimeout(DEADLINE_S)
        text = location.group().replace("127.0.0.1:8080", f"{NEAR}:{server.getsockname()[1]}")
        site = SITE.format(near=NEAR, port=port, limit_s=LIMIT_S, location=text)
        with nginx_of(tmp_path, site, NEAR, port):
            yield Proxied(port, server)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, ("-c", PUMP))
    yield stage
    stage.close()


def test_a_proxy_that_cuts_what_is_silent_cuts_no_terminal(stage: Stage, proxied: Proxied) -> None:
    assert PING_EVERY_S < OWN_LIMIT_S / 2
    shell = stage.shell()
    browser = stage.browser(shell.name, ends=proxied.open())
    browser.until_shows(b"ready$ ")
    witness, silent = proxied.open()
    with witness, silent:
        witness.settimeout(DEADLINE_S)
        assert witness.recv(1) == b""  # cut; the terminal has been silent for longer
    browser.type("echo still-$((6 * 7))\r")
    browser.until_shows(b"still-42")
