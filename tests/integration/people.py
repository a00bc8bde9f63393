"""People of a class by HTTP alone: they join, teach, and knock at terminals."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from tests.conftest import TOP
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.conftest import Server

DEADLINE_S = 20
WORDS = "a few words in a row"


def web_command(server: Server, *words: str) -> str:
    """Run one of the web's nouns on a server's data folder; what it prints."""
    data = str(server.instance.data_path)
    ran = subprocess.run(
        [sys.executable, "-m", "runtime", "as-web", "--data", data, "--", *words],
        env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout


def open_workshop(server: Server) -> dict[str, Any]:
    """A workshop with all lessons: its `code`, `link` and `page`."""
    made: dict[str, Any] = json.loads(web_command(server, "workshop", "create", "--json"))
    return made


class Person:
    """Somebody with a browser that has no screen: it keeps cookies, and sends forms."""

    def __init__(self, server: Server) -> None:
        self.host = urllib.parse.urlsplit(server.url).netloc
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    @property
    def cookies(self) -> str:
        """As a browser sends them."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def send(self, page: str, action: str, **form: object) -> str:
        """Fill in the form of a page; the page that comes then."""
        text = self.read(page)
        hidden = {
            field: _value(text, field) for field in ("csrf_token", "attempt") if field in text
        }
        return self.read(action, urllib.parse.urlencode({**hidden, **form}).encode())

    def read(self, path: str, data: bytes | None = None) -> str:
        """Ask for a page, or send what a form says."""
        with self._opener.open(f"http://{self.host}{path}", data, timeout=DEADLINE_S) as answer:
            return str(answer.read().decode())


class Learner(Person):
    """Somebody who joined: cookies, and a lab."""

    def __init__(self, server: Server, code: str, name: str) -> None:
        super().__init__(server)
        before = {lab["lab"] for lab in server.client.lab_list()}
        self.send(f"/j/{code}", "/", code=code, name=name)
        labs = wait_for(
            lambda: [lab["lab"] for lab in server.client.lab_list() if lab["lab"] not in before],
            "the learner's lab",
        )
        self.lab = labs[0]


class Instructor(Person):
    """Somebody who followed the one-time link."""

    def __init__(self, server: Server, name: str) -> None:
        super().__init__(server)
        link = web_command(server, "person", "instructor", "add", name).split()[0]
        path = urllib.parse.urlsplit(link).path
        self.send(path, path, password=WORDS, again=WORDS)


def _value(page: str, field: str) -> str:
    found = re.search(rf'name="{field}"[^>]*value="([^"]*)"', page)
    assert found, page
    return found[1]


def read_head(sock: socket.socket) -> bytes:
    """The head of an answer, or what there is of it."""
    head = b""
    while not head.endswith(b"\r\n\r\n") and (byte := sock.recv(1)):
        head += byte
    return head


def knock(
    who: Person,
    path: str,
    *,
    origin: str | None = "",
    cookies: str | None = None,
    also: bytes = b"",
    headers: dict[str, str] | None = None,
) -> tuple[str, socket.socket]:
    """Ask for a websocket; the answer's head, and the connection after it."""
    host, port = who.host.split(":")
    asked = {
        "Host": who.host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Cookie": who.cookies if cookies is None else cookies,
        "Origin": f"http://{who.host}" if origin == "" else origin,
        **(headers or {}),
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in asked.items() if v is not None)]
    sock = socket.create_connection((host, int(port)), timeout=DEADLINE_S)
    sock.sendall("\r\n".join([*lines, "", ""]).encode() + also)
    head = read_head(sock)
    if not head.endswith(b"\r\n\r\n"):
        sock.close()
        raise AssertionError(f"closed after {head!r}")
    return head.decode(), sock
