"""The listening socket: bound once, by the supervisor, and kept while the web comes and goes."""

from __future__ import annotations

import errno
import socket

from runtime.problems import Problem


def bind(host: str, port: int) -> socket.socket:
    """The listening socket; connections wait in it while the web restarts.

    Raises:
        Problem: `port-in-use`, `address-wrong`.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, UnicodeError) as error:
        raise _cannot_listen(host, port, error) from error
    listener.listen(1024)
    return listener


def bind_first(host: str, ports: range) -> socket.socket | None:
    """A listening socket on the first of these ports that nobody has; None where all are taken."""
    for port in ports:
        try:
            return bind(host, port)
        except Problem as problem:
            if problem.code != "port-in-use":
                raise
    return None


def _cannot_listen(host: str, port: int, error: Exception) -> Problem:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return Problem(
            "port-in-use",
            f"Port {port} is in use by another program.",
            f"Choose another with --port, or see who has it: ss -ltnp 'sport = :{port}'.",
            port=port,
        )
    return Problem(
        "address-wrong",
        f"This machine can't listen on {host}, port {port}: {error}.",
        "Give one of its own addresses with --host; 0.0.0.0 means all of them.",
        host=host,
    )
