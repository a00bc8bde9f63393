"""A connection to a service that a learner started, opened within their lab's own network.

Nothing of the host is on the way: no route, no rule, no address of the lab's. The socket is made in
the lab's network namespace and stays there, so it reaches what the lab's own programs reach on its
loopback, and whoever it is handed to can do no more with it.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from typing import TYPE_CHECKING

from runtime.kernel.netns import opened_in
from runtime.kernel.processes import start_ticks
from runtime.problems import Problem

if TYPE_CHECKING:
    from runtime.labs.state import Lab

_UNDER_WAY_MS = 100  # a listener whose queue is full: whoever asked goes on waiting, not we


def dial(lab: Lab, port: int) -> int:
    """Open a TCP connection to a port of a lab; the descriptor is the caller's.

    It may not be through yet: then it becomes writable when it is.

    Args:
        lab: which.
        port: where the service listens: on the loopback of the lab, on its address, or on all.

    Raises:
        Problem: `port-shut` where nothing listens.
    """
    netns_fd = _namespace_of(lab, port)
    try:
        return opened_in(netns_fd, lambda: _dial_here(lab, port))
    finally:
        os.close(netns_fd)


def _namespace_of(lab: Lab, port: int) -> int:
    """The lab's network namespace, and surely no other: its number may have been used again."""
    try:
        netns_fd = os.open(f"/proc/{lab.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _shut(port) from error
    if lab.started_ticks == 0 or start_ticks(lab.pid) != lab.started_ticks:
        os.close(netns_fd)
        raise _shut(port)
    return netns_fd


def _dial_here(lab: Lab, port: int) -> int:
    for address in ("127.0.0.1", "::1", lab.address):
        if address and (fd := _try(address, port)) >= 0:
            return fd
    raise _shut(port)


def _try(address: str, port: int) -> int:
    """A connection that is through or under way; -1 where it was refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        refused = sock.connect_ex((address, port))
        if refused == errno.EINPROGRESS:
            poll = select.poll()
            poll.register(sock, select.POLLOUT)
            poll.poll(_UNDER_WAY_MS)
            refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return -1 if refused else sock.detach()


def _shut(port: int) -> Problem:
    return Problem(
        "port-shut",
        f"Nothing answers on port {port} of this container.",
        f"Start a service there, such as `python3 -m http.server {port}`.",
        port=port,
    )
