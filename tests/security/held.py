"""Holds what a network's root may hold: a program that runs in a network of its own, in a lab.

    python3 held.py KIND

goes on until somebody ends it, each time in another process. Standard library only, and `ip` and
`tc`: it runs with what the lab has.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

MOST_BYTES = 512 << 20  # of one that is never ended: the machine of a test is somebody's
ONE_BYTES = 8 << 20
NEIGHBOURS = 4096


def run(*lines: str) -> None:
    """Do it as the network's root."""
    for line in lines:
        subprocess.run(line.split(), check=True)


def link() -> None:
    """One with a neighbour at its end that isn't there."""
    run("ip link add name d0 mtu 9000 type veth peer name d1", "ip link set d1 up")
    run("ip addr add 10.9.0.1/16 dev d0", "ip link set d0 up")
    run("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev d0")


def queue() -> None:
    """What waits to be sent, in a queue that lets hardly anything go."""
    link()
    run("tc qdisc add dev d0 root tbf rate 8bit burst 10000 limit 2000000000")
    held = []
    taken = 0
    while taken < MOST_BYTES:
        held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ONE_BYTES)
        until = taken + ONE_BYTES
        try:
            while taken < until:
                taken += held[-1].sendto(bytes(8192), socket.MSG_DONTWAIT, ("10.9.0.2", 9))
        except OSError:
            pass
        if os.fork():  # whoever was listed is gone
            os._exit(0)


def neighbours() -> None:
    """The whole machine's table of them."""
    link()
    lines = [
        f"neigh replace 10.9.{n >> 8}.{n & 255} lladdr 02:00:00:00:00:01 dev d0 nud reachable\n"
        for n in range(NEIGHBOURS)
    ]
    while True:  # until it is ended: they are forgotten after a while
        subprocess.run(
            ["ip", "-force", "-batch", "-"], input="".join(lines), text=True, check=False
        )


if __name__ == "__main__":
    {"queue": queue, "neighbours": neighbours}[sys.argv[1]]()
    Path("/tmp/taken").touch()
    signal.pause()
