"""Network namespaces that are known by a number, which keeps none of them.

A descriptor keeps its namespace for good, and without one nobody finds it: the kernel lists those
that somebody is in (and only from Linux 6.19 on all of them). But two namespaces may know each
other by number, and the number goes when the namespace does. By it a link can be sent there; a
tunnel's owner may ask where its own is.

Source: network_namespaces(7); `RTM_NEWNSID` in rtnetlink, `TUNGETDEVNETNS` in the kernel's
include/uapi/linux/if_tun.h, since 5.8.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import secrets
import socket
import struct
from typing import TYPE_CHECKING

from runtime.kernel import rtnetlink
from runtime.kernel.netns import NetworkNamespace

if TYPE_CHECKING:
    from pathlib import Path

_SETLINK, _NEWNSID, _GETNSID = 19, 88, 90
_NSID, _NSID_FD = 1, 3  # NETNSA_…
_TARGET_NSID = 46  # IFLA_TARGET_NETNSID
_ANY = bytes(4)  # struct rtgenmsg, padded
_NUMBER = struct.Struct("=i")
_TUNSETIFF, _TUNGETDEVNETNS = 0x400454CA, 0x54E3
_TUNNEL = struct.Struct("16sH22x")
_IFF_TUN = 0x1001  # with IFF_NO_PI


class NumberedNetworks:
    """Numbers, given and asked in a network namespace of their own.

    Args:
        tunnels: the node of /dev/net/tun.
    """

    def __init__(self, tunnels: Path) -> None:
        self._tunnels = tunnels
        self._home = NetworkNamespace.create()
        self._next = itertools.count(1)  # no number twice: one that is gone stays so

    def add(self, fd: int) -> int:
        """Give a network namespace a number, or tell the one that it has.

        Args:
            fd: stays the caller's, who may close it.
        """
        return self._home.run(self._add, fd)

    def living(self) -> set[int]:
        """The numbers of those that something keeps."""
        return self._home.run(lambda: set(map(_number_of, rtnetlink.dump(_GETNSID, _ANY))))

    def open(self, number: int) -> int:
        """A descriptor of one that lives, the caller's; takes some milliseconds, up to fifty.

        Raises:
            OSError: it doesn't live any more, somebody in it took the tunnel away (ESTALE where to
                another), or this server has no tunnels.
        """
        return self._home.run(self._open, number)

    def close(self) -> None:
        """Forget them all."""
        self._home.close()

    def _add(self, fd: int) -> int:
        number = next(self._next)
        given = rtnetlink.attribute(_NSID, _NUMBER.pack(number))
        try:
            rtnetlink.do(_NEWNSID, _ANY + _by(fd) + given)
        except FileExistsError:
            return _of(fd)
        return number

    def _open(self, number: int) -> int:
        tunnel_fd = os.open(self._tunnels, os.O_RDWR | os.O_CLOEXEC)
        try:
            name = f"n{secrets.token_hex(6)}"  # that nobody there has
            fcntl.ioctl(tunnel_fd, _TUNSETIFF, _TUNNEL.pack(name.encode(), _IFF_TUN))
            link = rtnetlink.LINK.pack(0, 0, 0, socket.if_nametoindex(name), 0, 0)
            rtnetlink.do(_SETLINK, link + rtnetlink.attribute(_TARGET_NSID, _NUMBER.pack(number)))
            fd = fcntl.ioctl(tunnel_fd, _TUNGETDEVNETNS, 0)
        finally:
            os.close(tunnel_fd)  # and the tunnel goes
        try:
            _confirm(fd, number)
        except OSError:
            os.close(fd)
            raise
        return fd


def _confirm(fd: int, number: int) -> None:
    if _of(fd) != number:
        raise OSError(errno.ESTALE, "somebody moved the tunnel on, to another namespace")


def _by(fd: int) -> bytes:
    return rtnetlink.attribute(_NSID_FD, _NUMBER.pack(fd))


def _of(fd: int) -> int:
    """The number that a namespace has for the calling thread's; -1 for none."""
    return _number_of(rtnetlink.told(_GETNSID, _ANY + _by(fd)))


def _number_of(body: memoryview) -> int:
    told = dict(rtnetlink.attributes(body[len(_ANY) :]))
    if _NSID not in told:
        raise OSError(errno.ENOMSG, "rtnetlink tells of a namespace without its number")
    return int(_NUMBER.unpack(told[_NSID])[0])
