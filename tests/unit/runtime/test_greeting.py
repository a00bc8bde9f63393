"""The greeting waits for a server that is well."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from runtime.greeting import wait_well
from runtime.problems import Problem
from runtime.reached import from_here

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def web(codes: list[int]) -> Iterator[str]:
    """What answers with these codes, one after the other, and then with the last of them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(codes.pop(0) if len(codes) > 1 else codes[0])
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_web_that_is_not_well_at_first_is_asked_again() -> None:
    codes = [503, 503, 200]
    with web(codes) as address:
        wait_well(address, 60)
    assert codes == [200]


def test_a_web_that_never_gets_well_is_said() -> None:
    with web([503]) as address, pytest.raises(Problem, match=r"The web isn't well: .*503"):
        wait_well(address, 0)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - a word
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("lab.example", "http://lab.example:80"),
    ],
)
def test_a_server_is_reached_from_its_own_machine(host: str, address: str) -> None:
    assert from_here(host, 80) == address
