"""A learner who looks at their own service: by the web's address, on to the preview's origin."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.integration.people import DEADLINE_S, Learner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

SERVICE = Path(__file__).with_name("preview_service.py")


class Answer:
    """What came back, read whole."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.body = answer.read()

    def json(self) -> Any:  # noqa: ANN401 - whatever the service says
        return json.loads(self.body)


class Looker:
    """A learner with a preview open: its origin, and the cookie that opens it.

    Attributes:
        host: of the preview's origin.
        cookie: name and value of the seat.
    """

    def __init__(self, learner: Learner, port: int) -> None:
        self.port = port
        self.learner = learner
        self.ticket = follow(learner.host, f"/preview/{port}", learner.cookies).headers["Location"]
        parts = urlsplit(self.ticket)
        opened = follow(parts.netloc, f"{parts.path}?{parts.query}")
        assert opened.status == 303, opened.body
        self.cookie = opened.headers["Set-Cookie"].partition(";")[0]
        self.host = urlsplit(opened.headers["Location"]).netloc or parts.netloc

    def ask(
        self,
        path: str = "/",
        method: str = "GET",
        body: bytes | Iterator[bytes] | None = None,
        /,
        **headers: str,
    ) -> Answer:
        """One request with the seat's cookie, on a connection of its own."""
        own = [headers.pop("Cookie")] if "Cookie" in headers else []
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        cookies = "; ".join([self.cookie, *own])
        return follow(self.host, path, cookies, method=method, body=body, headers=named)


def follow(
    host: str,
    path: str,
    cookies: str = "",
    *,
    method: str = "GET",
    body: bytes | Iterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Ask once, and follow no redirect."""
    connection = http.client.HTTPConnection(host, timeout=DEADLINE_S)
    try:
        sent = {"Cookie": cookies, **(headers or {})} if cookies else headers or {}
        chunked = body is not None and not isinstance(body, bytes)
        connection.request(method, path, body, sent, encode_chunked=chunked)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def with_service(server: Server, code: str, name: str, port: int) -> Looker:
    """Somebody who joins, starts the service, and looks at it."""
    learner = Learner(server, code, name)
    start_service(server, learner.lab, port)
    return Looker(learner, port)


def send(looker: Looker, *lines: str, rest: bytes = b"") -> socket.socket:
    """Say a request to a preview as it stands, with the seat's cookie; the answer is unread."""
    host, port = looker.host.split(":")
    sock = socket.create_connection((host, int(port)), timeout=DEADLINE_S)
    head = [lines[0], f"Host: {looker.host}", f"Cookie: {looker.cookie}", *lines[1:], "", ""]
    sock.sendall("\r\n".join(head).encode("latin-1") + rest)
    return sock


def start_service(server: Server, lab: str, port: int) -> None:
    """Start the service in a lab; on return it listens."""
    program = base64.b64encode(SERVICE.read_bytes()).decode()
    script = (
        f"echo {program} | base64 -d >/tmp/service.py; "
        f"setsid python3 /tmp/service.py {port} </dev/null >/tmp/service.log 2>&1 & "
        f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.05; done"
    )
    assert run(server, lab, script) == 0


def run(server: Server, lab: str, script: str) -> int:
    """Run a few lines of bash as the learner; its exit code."""
    with Path("/dev/null").open("r+b") as nothing:
        fds = (nothing.fileno(), nothing.fileno(), nothing.fileno())
        return server.client.lab_exec(lab, ["/bin/bash", "-c", script], user="learner", fds=fds)
