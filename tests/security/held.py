"""Holds what a network's root may hold: a program that runs in a network of its own, in a lab.

    python3 held.py KIND

goes on until somebody ends it, each time in another process. Standard library only, and `ip` and
`tc`: it runs with what the lab has.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 512 << 20  # of one that is never ended: the machine of a test is somebody's
DOSE_BYTES = 8 << 20
NEIGHBOURS = 4096
SLOW = "tc qdisc add dev d0 root tbf rate 8bit burst 10000 limit 2000000000"
# A network that was left unseen is kept by what waits in it, so here that is gone after a minute.
SLOWISH = SLOW.replace("8bit", "1mbit")
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN = 0x400454CA, 0x1001  # with IFF_NO_PI
ICMPV6, ECHO_REQUEST = 58, 128

libc = ctypes.CDLL(None, use_errno=True)


def run(*lines: str) -> None:
    """Do it as the network's root."""
    for line in lines:
        subprocess.run(line.split(), check=True)


def link() -> None:
    """One with a neighbour at its end that isn't there."""
    run("ip link add name d0 mtu 9000 type veth peer name d1", "ip link set d1 up")
    run("ip addr add 10.9.0.1/16 dev d0", "ip link set d0 up")
    run("ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev d0")


def send() -> tuple[int, list[socket.socket]]:
    """A dose of datagrams: how many bytes, by which sockets."""
    taken, sockets = 0, []
    while taken < DOSE_BYTES:
        sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sockets.append(sending)
        before = taken
        with suppress(OSError):  # it may not have more on its way
            while taken < DOSE_BYTES:
                taken += sending.sendto(bytes(8192), socket.MSG_DONTWAIT, ("10.9.0.2", 9))
        if taken == before:
            break
    return taken, sockets


def queue() -> None:
    """What waits to be sent, in a queue that lets hardly anything go."""
    link()
    run(SLOW)
    taken = 0
    held = []
    while taken < MOST_BYTES:
        size, sockets = send()
        taken += size
        held += sockets
        if os.fork():  # whoever was listed is gone
            os._exit(0)


def leaving() -> None:
    """The same in a network for each dose, which nobody stays in."""
    for _ in range(MOST_BYTES // DOSE_BYTES):
        if os.fork() == 0:
            libc.unshare(CLONE_NEWNET)
            link()
            run(SLOWISH)
            send()
            os._exit(0)
        os.wait()


def forwarding() -> None:
    """In a network with nobody in it and no socket: a mount keeps it, and another sends through."""
    run("mount -t tmpfs none /mnt", "touch /mnt/kept")
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    libc.unshare(CLONE_NEWNET)
    link()
    run(SLOW, "mount --bind /proc/self/ns/net /mnt/kept", "sysctl -qw net.ipv4.ip_forward=1")
    run("ip link add name v1 mtu 9000 type veth peer name v0", "ip addr add 10.8.0.2/24 dev v1")
    run("ip link set v1 up", f"ip link set v0 netns /proc/{os.getpid()}/fd/{home}")
    libc.setns(home, CLONE_NEWNET)
    run("ip link set v0 mtu 9000 up", "ip addr add 10.8.0.1/24 dev v0")
    run("ip route add 10.9.0.0/16 via 10.8.0.2")
    time.sleep(2)  # so that it is let go of
    taken = 0
    while taken < MOST_BYTES:
        taken += send()[0]


def answers() -> None:
    """What the kernel says to pings, by the one socket that it has for IPv6 on a processor."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", b"t0", IFF_TUN))
    run("ip addr add fd00:9::1/64 dev t0 nodad", "ip link set t0 up")
    run("tc qdisc add dev t0 root tbf rate 8bit burst 1600 limit 20000000")
    ours, theirs = (socket.inet_pton(socket.AF_INET6, f"fd00:9::{n}") for n in (1, 2))
    echo = struct.pack(">BBHHH", ECHO_REQUEST, 0, 0, 1, 1) + bytes(1200)
    summed = theirs + ours + struct.pack(">II", len(echo), ICMPV6) + echo
    total = sum(struct.unpack(f">{len(summed) // 2}H", summed))
    total = (total & 0xFFFF) + (total >> 16)
    echo = echo[:2] + struct.pack(">H", ~(total + (total >> 16)) & 0xFFFF) + echo[4:]
    packet = struct.pack(">IHBB", 6 << 28, len(echo), ICMPV6, 64) + theirs + ours + echo
    for _ in range(300):  # the address is of use a moment after it was added
        for _ in range(100):
            os.write(tunnel, packet)
        time.sleep(0.1)


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
    kinds = {each.__name__: each for each in (queue, leaving, forwarding, answers, neighbours)}
    kinds[sys.argv[1]]()
    Path("/tmp/taken").touch()
    signal.pause()
