"""The registry's front: knows each lab by its address, and passes on what is theirs to ask.

What labs send is read by Python's own server, a thread a connection, in a process without rights
and without a network; each request is written anew to the registry behind. Errors are said as
registries say them, so engines print our sentence.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer, ThreadingMixIn
from typing import TYPE_CHECKING

import structlog

from runtime.kernel.spawn import ProgramFailed
from runtime.problems import Problem
from runtime.registry import asks, searching
from runtime.registry.bodies import PIECE_BYTES, Body
from runtime.registry.mirror import Guest
from runtime.registry.searching import Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client import Client
    from runtime.registry.asks import Ask
    from runtime.registry.mirror import Mirror
    from runtime.registry.quota import Quota
    from runtime.registry.shelf import Shelf

log = structlog.get_logger()

CONNECTIONS_MOST = 512
_SILENCE_S = 120.0
_DRAIN_S = 30.0
_TLS = b"\x16"
_TO_SHELF = ("Accept", "Content-Type", "Content-Range", "Range", "If-None-Match")
_TO_LAB = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Accept-Ranges",
    "Docker-Content-Digest",
    "Docker-Upload-UUID",
    "Etag",
    "Link",
    "Location",
    "Range",
)
# How a registry says it, by our codes; what isn't here is refused as denied.
_SAID = {
    "image-unknown-there": (404, "MANIFEST_UNKNOWN"),
    "image-not-at-hand": (404, "MANIFEST_UNKNOWN"),
    "registry-request": (405, "UNSUPPORTED"),
    "registry-resting": (503, "UNAVAILABLE"),
}
_LISTS = ("manifest.list", "image.index")
_ASK_TEACHER = (
    "Images that are here go on working. Your instructor can fetch it on the page Images."
)


class Front(ThreadingMixIn, BaseServer):
    """Answers labs, until the process ends.

    Args:
        listener: a listening socket that labs reach.
        runtime: says whose an address is.
        mirror: what labs pull of the usual registry.
        pushed: what they push.
        quota: how much of it they may.
    """

    daemon_threads = True

    def __init__(
        self, listener: socket.socket, runtime: Client, mirror: Mirror, pushed: Shelf, quota: Quota
    ) -> None:
        super().__init__(listener.getsockname(), Handler)
        self._listener = listener
        self._runtime = runtime
        self.mirror = mirror
        self.pushed = pushed
        self.quota = quota

    def fileno(self) -> int:
        """For the loop that waits for connections."""
        return self._listener.fileno()

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """One connection, and from where."""
        connection, address = self._listener.accept()
        connection.settimeout(_SILENCE_S)
        return connection, address

    def verify_request(self, _request: object, _address: object) -> bool:
        """Whether there is room for one more."""
        return threading.active_count() < CONNECTIONS_MOST

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """Close a connection that is over."""
        if not isinstance(request, tuple):
            request.close()

    def handle_error(self, _request: object, _address: object) -> None:
        """What a connection's thread didn't expect: for the log, and no other harmed."""
        log.error("registry.failed", error=repr(sys.exception()))

    def guest(self, address: str) -> Guest:
        """Whose a connection is.

        Raises:
            Problem: `lab-unknown`, `runtime-away`.
        """
        found = self._runtime.registry_who(address)
        return Guest(found["lab"], found["own"], bool(found["asks"]))

    def hits(self, own: str, *, is_usual: bool) -> Iterator[Hit]:
        """What a lab may find here.

        Args:
            own: what the lab's own names begin with.
            is_usual: as the usual registry calls them; else as this one does.

        Raises:
            Problem: `runtime-away`.
        """
        top = "" if is_usual else f"{asks.MIRROR}/"
        for name in self._runtime.registry_names():
            yield Hit(f"{top}{name}", "on this server; needs no internet")
        for name in self.mirror.shelf.names():
            yield Hit(f"{top}{name.removeprefix(f'{asks.MIRROR}/')}", "kept by this workshop")
        if not is_usual:
            for name in self.pushed.names():
                if name.startswith(f"{own}/"):
                    yield Hit(name, "yours")


class Handler(BaseHTTPRequestHandler):
    """One connection of a lab's."""

    protocol_version = "HTTP/1.1"
    server: Front
    _guest: Guest | None = None

    def handle(self) -> None:
        """Hear it to its end; engines try TLS first, and are told at once that there is none."""
        with suppress(OSError):
            if self.connection.recv(1, socket.MSG_PEEK) != _TLS:
                super().handle()

    def answer(self) -> None:
        """Answer one request; whatever goes wrong with it becomes an answer, too."""
        try:
            body = Body(self.headers, self.rfile)
            try:
                self._answer(body)
            except Problem as problem:
                self._drain(body)
                self._refuse(problem)
            except (OSError, http.client.HTTPException, ProgramFailed) as error:
                log.debug("registry.resting", error=str(error))
                self._drain(body)
                self._refuse(_resting())
        except Problem as problem:
            self.close_connection = True
            self._refuse(problem)
        except (OSError, ValueError):  # the lab hung up
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's

    def log_message(self, *_: object) -> None:
        """Nothing: what labs ask for is theirs."""

    def _answer(self, body: Body) -> None:
        if self._guest is None:
            self._guest = self.server.guest(self.client_address[0])
        if self.path in {"/v2/", "/v2"} and self.command in {"GET", "HEAD"}:
            self._say(200, b"{}")
            return
        search = searching.read(self.command, self.path)
        if search is not None:
            is_usual = self.headers.get("Host") == searching.PLACE
            hits = self.server.hits(self._guest.own, is_usual=is_usual)
            self._say(200, searching.answer(search, hits))
            return
        ask = asks.read(self.command, self.path, self._guest.own)
        if not ask.is_mirrors:
            self._answer_own(ask, body, self._guest.own)
            return
        if ask.kind == "manifest":
            self.server.mirror.have(ask, self._guest)
        self._carry(ask, self.server.mirror.shelf, body, "")

    def _answer_own(self, ask: Ask, body: Body, own: str) -> None:
        if not ask.writes:
            self._carry(ask, self.server.pushed, body, "")
            return
        if any(word in self.headers.get("Content-Type", "") for word in _LISTS):
            raise Problem(
                "registry-request",
                "This registry keeps images for one kind of machine, and no lists of variants.",
                "Push the image itself.",
            )
        with self.server.quota.sending(own), self.server.pushed.writing():
            try:
                self._carry(ask, self.server.pushed, body, own)
            except Problem:  # it is too much: a smaller one shall have the room
                if ask.kind == "upload":
                    self.server.pushed.abandon(ask.name, ask.reference)
                raise

    def _carry(self, ask: Ask, shelf: Shelf, body: Body, own: str) -> None:
        """Pass a request on, and its answer back; what is brought counts as somebody's own."""
        with shelf.talk() as talk:
            talk.putrequest(ask.method, ask.target, skip_accept_encoding=True)
            for name in _TO_SHELF:
                for value in self.headers.get_all(name, []):
                    talk.putheader(name, value)
            if body.is_chunked:
                talk.putheader("Transfer-Encoding", "chunked")
            elif ask.writes:
                talk.putheader("Content-Length", str(body.length))
            talk.endheaders()
            for piece in body.pieces():
                if own:
                    self.server.quota.take(own, len(piece))
                talk.send(b"%x\r\n%b\r\n" % (len(piece), piece) if body.is_chunked else piece)
            if body.is_chunked:
                talk.send(b"0\r\n\r\n")
            self._pass_back(talk.getresponse())

    def _pass_back(self, answer: http.client.HTTPResponse) -> None:
        """From here on an error can only end the connection."""
        try:
            self.send_response_only(answer.status)
            for name in _TO_LAB:
                for value in answer.headers.get_all(name, []):
                    self.send_header(name, value)
            if answer.headers.get("Content-Length") is None and answer.chunked:
                self.close_connection = True
                self.send_header("Connection", "close")
            self.end_headers()
            while piece := answer.read(PIECE_BYTES):
                self.wfile.write(piece)
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    def _drain(self, body: Body) -> None:
        """Hear whoever sends to the end, for a while: who is refused earlier never reads why."""
        until = time.monotonic() + _DRAIN_S
        with suppress(OSError, Problem):
            for _ in body.pieces():
                if time.monotonic() > until:
                    break
            else:
                return
        self.close_connection = True

    def _refuse(self, problem: Problem) -> None:
        status, code = _SAID.get(problem.code, (403, "DENIED"))
        if self.command == "HEAD":  # no sentence fits in there; what engines ask next gets it
            status = 404
        is_registrys = problem.code.startswith("registry-") and problem.code not in _OWN
        hint = _ASK_TEACHER if is_registrys else problem.hint
        message = f"{problem.sentence} {hint}".strip()
        told = {"errors": [{"code": code, "message": message, "detail": problem.code}]}
        with suppress(OSError):
            self._say(status, json.dumps(told, ensure_ascii=False).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


# Said here, and not by a registry outside.
_OWN = {"registry-request", "registry-foreign", "registry-full", "registry-resting"}


def _resting() -> Problem:
    return Problem(
        "registry-resting",
        "The workshop's registry does not answer just now.",
        "Try again in a minute; nothing that you pushed is lost.",
    )
