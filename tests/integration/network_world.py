"""A small world of namespaces: an outside, a host, and labs behind its router."""

from __future__ import annotations

import os
import select
import socket
import subprocess
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from runtime.instance import Instance
from runtime.kernel.netns import NetworkNamespace
from runtime.network.router import Router, Share

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S = 3.0
HOST = "203.0.113.2"
SOMEWHERE = "198.51.100.7"  # stands for any address of the internet
HOST6 = "2a00:5118::2"
SOMEWHERE6 = "2a00:5119::7"
PRIVATE6 = ("fd00:9::9", "fec0::9", "2001:db8::9", "2002:a09:909::9", "64:ff9b::a09:909")
PRIVATE = ("10.9.9.9", "172.16.9.9", "192.168.9.9", "100.64.9.9", "169.254.169.254")


class Place:
    """A network namespace in which a test plays somebody."""

    def __init__(self, netns: NetworkNamespace | None = None) -> None:
        self.netns = netns or NetworkNamespace.create()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def around(cls, netns_fd: int) -> Place:
        """A place in a namespace that somebody else made."""
        return cls(NetworkNamespace(os.dup(netns_fd)))

    def ip(self, *commands: str) -> str:
        """Run each as arguments of ip(8); what it says."""
        return "".join(self.sh("ip", *command.split()) for command in commands)

    def take(self, address: str, link: str) -> None:
        """Have one more address, at once."""
        self.ip(f"address add {address} dev {link}" + (" nodad" if ":" in address else ""))

    def sh(self, *argv: str) -> str:
        inside = f"--net=/proc/{os.getpid()}/fd/{self.netns.fd}"
        done = subprocess.run(
            ["nsenter", inside, *argv], check=True, capture_output=True, text=True
        )
        return done.stdout

    def listens(self, port: int = 80, address: str = "::") -> socket.socket:
        """A TCP server for IPv4 and IPv6: the kernel completes handshakes, nobody accepts."""
        listener = self._socket(socket.SOCK_STREAM, socket.AF_INET6)
        listener.bind((address, port))
        listener.listen(4096)
        return listener

    def hears(self, port: int) -> socket.socket:
        """A UDP server."""
        listener = self._socket(socket.SOCK_DGRAM, socket.AF_INET6)
        listener.bind(("::", port))
        return listener

    def speaks(self, source: str = "") -> socket.socket:
        """A UDP client, bound to a source address."""
        speaker = self._socket(socket.SOCK_DGRAM, _family(source))
        speaker.bind((source, 0))
        return speaker

    def reaches(self, address: str, port: int = 80, within_s: float = DEADLINE_S) -> str:
        """`open`, `refused` (somebody said no) or `silent` (until the deadline)."""
        with self.netns.run(socket.socket, _family(address)) as client:
            client.settimeout(within_s)
            try:
                client.connect((address, port))
            except TimeoutError:
                return "silent"
            except OSError:
                return "refused"
            return "open"

    def connects(self, address: str, port: int = 80) -> socket.socket:
        client = self._socket(socket.SOCK_STREAM, _family(address))
        client.connect((address, port))
        return client

    def asks(self, question: bytes, address: str, port: int = 53) -> bytes:
        """Send a datagram until somebody answers, as resolvers do: a link's first may be lost.

        Raises:
            OSError: it was refused, or nobody answered until the deadline.
        """
        with self.netns.run(socket.socket, _family(address), socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            client.connect((address, port))
            for _ in range(8):
                client.send(question)
                with suppress(TimeoutError):
                    return client.recv(4096)
        raise TimeoutError

    def _socket(self, kind: int, family: int = socket.AF_INET) -> socket.socket:
        made = self.netns.run(socket.socket, family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.settimeout(DEADLINE_S)
        return self._stack.enter_context(made)

    def close(self) -> None:
        self._stack.close()
        self.netns.close()


class World:
    """An outside with all kinds of addresses, a host in it, and the host's labs."""

    def __init__(self, data: Path) -> None:
        self.instance = Instance.at(data)
        self._places: list[Place] = []
        self._routers: list[Router] = []
        self.outside = self.place()
        self.host = self.place()
        near = f"/proc/{os.getpid()}/fd/{self.outside.netns.fd}"
        self.host.ip(
            "link set lo up",
            f"link add eth0 type veth peer name eth0 netns {near}",
            f"address add {HOST}/24 dev eth0",
            "link set eth0 up",
        )
        self.outside.ip("link set lo up", "link set eth0 up", "address add 203.0.113.1/24 dev eth0")
        for address in (SOMEWHERE, *PRIVATE):
            self.outside.ip(f"address add {address}/32 dev lo")
        self.host.ip("route add default via 203.0.113.1")
        self.host.ip(f"address add {HOST6}/64 dev eth0 nodad")
        self.outside.ip("address add 2a00:5118::1/64 dev eth0 nodad")
        for address in (SOMEWHERE6, *PRIVATE6):
            self.outside.ip(f"address add {address}/128 dev lo nodad")
        self.host.ip("-6 route add default via 2a00:5118::1")
        # A new namespace inherits this from the machine, where some engine may have set it.
        self.host.sh("sysctl", "-qw", "net.ipv4.ip_forward=0")
        for place in (self.outside, self.host):
            place.listens()

    def place(self) -> Place:
        self._places.append(Place())
        return self._places[-1]

    def host_netns(self) -> NetworkNamespace:
        """A copy that its taker may close."""
        return NetworkNamespace(os.dup(self.host.netns.fd))

    def router(self, instance: Instance | None = None, share: Share | None = None) -> Router:
        router = Router.up(instance or self.instance, self.host_netns(), share or Share())
        self._routers.append(router)
        return router

    def adopted(self, netns_fd: int) -> Router:
        router = Router.adopt(self.instance, netns_fd, self.host_netns())
        self._routers.append(router)
        return router

    def let_go(self, router: Router) -> int:
        """As a runtime that is killed: what remains is the keeper's descriptor."""
        kept_fd = os.dup(router.netns_fd)
        router.close()
        self._routers.remove(router)
        return kept_fd

    def down(self, router: Router) -> None:
        router.down()
        self._routers.remove(router)

    def close(self) -> None:
        for router in self._routers:
            router.down()
        for place in self._places:
            place.close()


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def heard(listener: socket.socket) -> bytes:
    assert select.select([listener], [], [], DEADLINE_S)[0], "nothing arrived"
    return listener.recv(64)
