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

if TYPE_CHECKING:
    from runtime.labs.state import Lab

_UNDER_WAY_MS = 100  # a listener whose queue is full: whoever asked goes on waiting, not we


def dial(lab: Lab, port: int) -> int | None:
    """Open a TCP connection to a port of a lab; the descriptor is the caller's.

    It may not be through yet: then it becomes writable when it is. That nothing listens is no
    problem worth a line of the log: pages that wait ask again and again.

    Args:
        lab: which.
        port: where the service listens: on the loopback of the lab, on its address, or on all.

    Returns:
        None where nothing listens, or the lab is ending.
    """
    try:
        netns_fd = os.open(f"/proc/{lab.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Now that it is held it is surely the lab's, and not of another with the same number.
        if lab.started_ticks == 0 or start_ticks(lab.pid) != lab.started_ticks:
            return None
        return opened_in(netns_fd, lambda: _dial_here(lab, port))
    finally:
        os.close(netns_fd)


def _dial_here(lab: Lab, port: int) -> int | None:
    for address in ("127.0.0.1", "::1", lab.address):
        if address and (fd := _try(address, port)) is not None:
            return fd
    return None


def _try(address: str, port: int) -> int | None:
    """A connection that is through or under way; None where it was refused."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        refused = sock.connect_ex((address, port))
        if refused == errno.EINPROGRESS:
            poll = select.poll()
            poll.register(sock, select.POLLOUT)
            poll.poll(_UNDER_WAY_MS)
            refused = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return None if refused else sock.detach()
