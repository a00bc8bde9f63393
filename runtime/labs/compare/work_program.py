"""The works, as both sides run them: this very file is the program, by `python3 -I -c`.

It says `begin`, works for some seconds, and says `end AMOUNT`: the server, which hears both, takes
the time by its own clock. Standard library only; nothing stays behind, whenever it is killed.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import time
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS = (b"kernel", b"image", b"layer", b"process", b"memory", b"namespace", b"the", b"of", b"and")
_BLOCK_BYTES = 128 << 10
_CALLS = 1000
_REQUESTS = 100  # on one connection, or the port numbers run out
_PATIENCE_S = 10
_REQUEST = b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n"
_PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + b"." * 1024


def _compress() -> Callable[[], float]:
    """One turn compresses a block of text; megabytes."""
    words = random.Random(1).choices(_WORDS, k=_BLOCK_BYTES // 4)  # noqa: S311 - a text, no secret
    block = b" ".join(words)[:_BLOCK_BYTES]

    def turn() -> float:
        zlib.compress(block, 6)
        return len(block) / (1 << 20)

    return turn


def _fork() -> Callable[[], float]:
    """One turn makes a process and waits for its end."""

    def turn() -> float:
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        return 1

    return turn


def _calls() -> Callable[[], float]:
    """One turn asks the kernel a thousand times for what it answers soonest."""

    def turn() -> float:
        for _ in range(_CALLS):
            os.getppid()
        return _CALLS

    return turn


def _files() -> Callable[[], float]:
    """One turn creates and deletes a file on the disk."""
    path = f"/var/tmp/.work-{os.getpid()}"  # noqa: S108 - the root's own disk, not memory

    def turn() -> float:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.unlink(path)  # noqa: PTH108 - the call itself is measured
        return 1

    return turn


def _http() -> Callable[[], float]:
    """One turn serves the requests of one connection; a process beside it asks them."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(_PATIENCE_S)  # the one that asks may have been ended
    port = listener.getsockname()[1]
    if os.fork() == 0:
        listener.close()
        _ask_on(port)

    def turn() -> float:
        connection, _ = listener.accept()
        with connection:
            for _ in range(_REQUESTS):
                connection.recv(4096)
                connection.sendall(_PAGE)
        return _REQUESTS

    return turn


def _ask_on(port: int) -> None:
    """Ask until nobody answers any more."""
    try:
        while True:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for _ in range(_REQUESTS):
                    connection.sendall(_REQUEST)
                    left = len(_PAGE)
                    while left > 0 and (got := connection.recv(4096)):
                        left -= len(got)
    finally:
        os._exit(0)


_WORKS = {"compress": _compress, "fork": _fork, "calls": _calls, "files": _files, "http": _http}


def main(work: str, seconds: float) -> None:
    """Work for some seconds."""
    turn = _WORKS[work]()
    sys.stdout.write("begin\n")
    sys.stdout.flush()
    end = time.monotonic() + seconds
    amount = 0.0
    while time.monotonic() < end:
        amount += turn()
    sys.stdout.write(f"end {amount}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
