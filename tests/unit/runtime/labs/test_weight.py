"""What a network's root has it hold is seen, whatever holds it."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from runtime.kernel.netns import NetworkNamespace
from runtime.labs import weight

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel

TUNSETIFF = 0x400454CA
IFF_TUN = 0x1001  # with IFF_NO_PI
MTU = 60_000
LINK = """
ip link set lo up
ip link add name d0 type veth peer name d1
ip link set d1 up
ip link set d0 up
ip addr add 10.9.0.1/16 dev d0
ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:01 dev d0
"""
QUEUE = "tc qdisc add dev d0 root tbf rate 8bit burst 10000 limit 2000000000"
BRIDGE = "ip link add name b0 type bridge\nip link set d0 master b0"


@pytest.fixture
def network() -> Iterator[NetworkNamespace]:
    """With a link whose other end nobody reads."""
    made = NetworkNamespace.create()
    run(made, LINK)
    yield made
    made.close()


def run(network: NetworkNamespace, lines: str) -> None:
    """Do it as the network's root."""
    for line in lines.strip().splitlines():
        network.run(subprocess.run, line.split(), check=True)


def tunnel(network: NetworkNamespace) -> int:
    """One with the address 10.8.0.1."""
    fd = network.run(os.open, "/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    network.run(fcntl.ioctl, fd, TUNSETIFF, struct.pack("16sH22x", b"t0", IFF_TUN))
    run(network, f"ip addr add 10.8.0.1/24 dev t0\nip link set t0 mtu {MTU} txqueuelen 700 up")
    return fd


def send(network: NetworkNamespace, to: str, count: int) -> socket.socket:
    """Datagrams, one of which nobody is there to take."""
    sending = network.run(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(count):
        sending.sendto(bytes(1000), (to, 9))
    return sending


@pytest.mark.parametrize(
    ("line", "least"),
    [
        ("ip neigh add 10.9.1.{} lladdr 02:00:00:00:00:01 dev d0 nud permanent", 400),
        ("ip neigh add proxy 10.9.1.{} dev d0", 64),
        ("ip route add 10.7.{}.0/24 dev d0", 64),
        ("ip nexthop add id 1{} dev d0", 64),
        ("ip link add name e{} type bridge", 16 << 10),
        ("bridge fdb add 02:00:00:00:01:{:02x} dev d0 master static", 64),
        ("tc class add dev d1 parent 1: classid 1:1{:x} htb rate 1mbit", 512),
    ],
    ids=["neighbours", "proxies", "routes", "hops", "links", "addresses of a bridge", "classes"],
)
def test_each_thing_that_is_made_weighs(network: NetworkNamespace, line: str, least: int) -> None:
    run(network, BRIDGE if "fdb" in line else "")
    run(network, "tc qdisc add dev d1 root handle 1: htb" if "class" in line else "")
    before = network.run(weight.weigh)
    for number in range(20):
        run(network, line.format(number))
    after = network.run(weight.weigh)
    assert after.size - before.size >= 20 * least
    assert after.neighbours - before.neighbours < 20, "permanent ones fill no table"


def test_links_with_many_names_hide_no_other(network: NetworkNamespace) -> None:
    """An answer is as long as the largest link's may be, and others' are in it, too."""
    run(network, "\n".join(f"ip tuntap add dev t{n} mode tun" for n in range(80)))
    before = network.run(weight.weigh).possible
    for first in range(0, 490, 35):
        names = " ".join(f"altname n{first + n}" for n in range(35))
        run(network, f"ip link property add dev lo {names}")
    assert network.run(weight.weigh).possible == before > 0


def test_what_waits_in_a_queue_or_for_a_neighbour_weighs(network: NetworkNamespace) -> None:
    before = network.run(weight.weigh)
    run(network, QUEUE)
    with send(network, "10.9.0.2", 100), send(network, "10.9.0.3", 50):
        after = network.run(weight.weigh)
    assert after.size - before.size >= 150 * 1000
    assert after.neighbours > before.neighbours
    network.run(weight.drop)  # though nobody has those sockets any more
    assert network.run(weight.weigh).size - before.size < 50 * 1000 + (256 << 10)


def test_what_waits_for_the_rest_of_a_packet_weighs(network: NetworkNamespace) -> None:
    fd = tunnel(network)
    before = network.run(weight.weigh)
    ends = socket.inet_aton("10.8.0.2"), socket.inet_aton("10.8.0.1")
    for number in range(50):
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + 8000, number, 0x2000, 64, 17, 0, *ends)
        total = sum(struct.unpack("!10H", header))
        total = (total >> 16) + (total & 0xFFFF)
        os.write(fd, header[:10] + struct.pack("!H", ~total & 0xFFFF) + header[12:] + bytes(8000))
    after = network.run(weight.weigh)
    os.close(fd)
    assert after.size - before.size >= 50 * 8000


def test_a_tunnel_that_nobody_reads_may_hold_what_its_queue_takes(
    network: NetworkNamespace,
) -> None:
    assert network.run(weight.weigh).possible == 0
    fd = tunnel(network)
    assert network.run(weight.weigh).possible >= 700 * MTU
    os.close(fd)
