"""Tells when the host's addresses, routes or firewall changed."""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.kernel.netns import NetworkNamespace

_RTMGRP_LINK = 0x1
_RTMGRP_IPV4_IFADDR = 0x10
_RTMGRP_IPV4_ROUTE = 0x40
_RTMGRP_IPV4_RULE = 0x80
_RTMGRP_IPV6_IFADDR = 0x100
_RTMGRP_IPV6_ROUTE = 0x400
_RTMGRP_IPV6_RULE = 0x40000
_RTMGRP_NETCONF = 0x1800000  # forwarding was switched, for IPv4 or IPv6
_NETLINK_NETFILTER = 12
_NFNLGRP_NFTABLES = 7
_PACKET_BYTES = 64 * 1024
# A firewall that reloads says so in hundreds of messages: they are one change.
_QUIET_S = 0.05
_LATEST_S = 0.5
_LOOK_S = 1.0


class Watch:
    """Calls back, in a thread of its own, after each change; never twice at a time.

    What changed isn't said: whoever is called reads the kernel, so a lost message loses nothing.

    Args:
        netns: where to listen.
        changed: called without arguments; what it raises ends the thread, so let it raise nothing.
        is_well: asked each second while nothing is heard, since a change that was half done when it
            was looked at tells nothing more; where it says no, `changed` is called. The same for
            what it raises.
    """

    def __init__(
        self,
        netns: NetworkNamespace,
        changed: Callable[[], None],
        is_well: Callable[[], bool],
    ) -> None:
        ipv4 = _RTMGRP_IPV4_IFADDR | _RTMGRP_IPV4_ROUTE | _RTMGRP_IPV4_RULE
        ipv6 = _RTMGRP_IPV6_IFADDR | _RTMGRP_IPV6_ROUTE | _RTMGRP_IPV6_RULE
        self._sockets = [
            netns.run(
                _listening, socket.NETLINK_ROUTE, _RTMGRP_LINK | ipv4 | ipv6 | _RTMGRP_NETCONF
            ),
            netns.run(_listening, _NETLINK_NETFILTER, 1 << (_NFNLGRP_NFTABLES - 1)),
        ]
        self._changed = changed
        self._is_well = is_well
        self._stop_fd = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="network-watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for a call that is under way."""
        os.eventfd_write(self._stop_fd, 1)
        self._thread.join()
        for each in self._sockets:
            each.close()
        os.close(self._stop_fd)

    def _run(self) -> None:
        watched: list[int] = [self._stop_fd, *(each.fileno() for each in self._sockets)]
        while self._stop_fd not in (ready := select.select(watched, [], [], _LOOK_S)[0]):
            self._drain()
            if ready or not self._is_well():
                self._changed()

    def _drain(self) -> None:
        """Read until it has been quiet for a moment, but not for ever."""
        latest = time.monotonic() + _LATEST_S
        while ready := select.select(self._sockets, [], [], _QUIET_S)[0]:
            for each in ready:
                _discard(each)
            if time.monotonic() > latest:
                return


def _listening(protocol: int, groups: int) -> socket.socket:
    listener = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, protocol
    )
    listener.bind((0, groups))
    return listener


def _discard(listener: socket.socket) -> None:
    try:
        listener.recv(_PACKET_BYTES)
    except BlockingIOError:
        return
    except OSError as error:
        if error.errno != errno.ENOBUFS:  # messages were lost: a change like any other
            raise
