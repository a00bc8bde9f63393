"""One side of the uplink: a namespace, and the kernel's three doors to its network."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.kernel.nftables import Nftables
from runtime.network.netlink import Netlink, Snapshot, snapshot
from runtime.network.rules import GATEWAY

if TYPE_CHECKING:
    from runtime.kernel.netns import NetworkNamespace

_SYSCTL = Path("/proc/sys/net")
_IP_FREEBIND = 15


class Side:
    """rtnetlink, nftables and sysctl of one namespace; thread-safe.

    Attributes:
        netns: the namespace.
        netlink: for whatever is quick.
        removals: for removing links, which takes 20 ms; whoever makes a lab needn't wait.
        has_ipv6: whether this kernel speaks it.

    Args:
        netns: becomes this object's own.

    Raises:
        OSError: one of the doors is shut, or libnftables isn't installed.
    """

    def __init__(self, netns: NetworkNamespace) -> None:
        self.netns = netns
        try:
            self.netlink = netns.run(Netlink)
            self.removals = netns.run(Netlink)
            self._nftables = netns.run(Nftables)
            self.has_ipv6 = netns.run((_SYSCTL / "ipv6").is_dir)
        except BaseException:
            netns.close()
            raise

    def nft(self, commands: str) -> list[dict[str, Any]]:
        """Run nft commands as one transaction; what `list` commands found comes back."""
        return self.netns.run(self._nftables.run, commands)

    def snapshot(self) -> Snapshot:
        """Links, addresses and routes as they are now."""
        return snapshot(self.netns)

    def sysctl(self, name: str) -> str:
        """Read one, such as `ipv4/ip_forward`."""
        return self.netns.run((_SYSCTL / name).read_text).strip()

    def set_sysctl(self, name: str, value: str) -> None:
        """Write one; below /proc/sys/net the writing thread's namespace counts."""
        self.netns.run((_SYSCTL / name).write_text, value)

    def links4(self) -> list[str]:
        """The links that have IPv4 settings; `all` and `default` among them."""
        return self.netns.run(os.listdir, _SYSCTL / "ipv4/conf")

    def links6(self) -> list[str]:
        """The links that have IPv6 settings; `all` and `default` among them."""
        return self.netns.run(os.listdir, _SYSCTL / "ipv6/conf")

    def listening(self, kind: int, port: int) -> socket.socket:
        """A socket at the gateway's address, which labs reach if a rule lets them; doesn't block.

        Args:
            kind: `socket.SOCK_STREAM` or `socket.SOCK_DGRAM`.
            port: where.

        Raises:
            OSError: somebody listens there already.
        """
        return self.netns.run(_listening, kind, port)

    def close(self) -> None:
        """Let go of the namespace and its sockets."""
        self.netns.run(self._nftables.close)
        self.netlink.close()
        self.removals.close()
        self.netns.close()


def _listening(kind: int, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    try:
        listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)  # before the first lab is connected
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(GATEWAY), port))
        if kind == socket.SOCK_STREAM:
            listener.listen(64)
    except BaseException:
        listener.close()
        raise
    return listener
