"""Root of a lab with internet looks for neighbours, the server and what else is near."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.lab_harness import Lab, quoted
from tests.security.arena import SMALL
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server
    from tests.security.arena import Arena

pytestmark = [pytest.mark.kernel, pytest.mark.internet]

PORT = 8000
SERVE = f"exec python3 -m http.server {PORT} --bind ::"
# Says which of the addresses it could talk to, then goes on asking until it is stopped.
SCAN = """
import socket, sys
ports, addresses = sys.argv[1].split(","), sys.argv[2:]
def ask(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(2)
        client.connect((address, int(port)))
for again in range(10**9):
    for address in addresses:
        for port in ports:
            try:
                ask(address, port)
                print("open", address, port, flush=True)
            except TimeoutError: print("silent", address, port, flush=True)
            except OSError: pass
    if not again: print("done", flush=True)
"""
# Raw frames and packets of all kinds, as fast as they go.
FORGE = """
import socket, struct, sys
own, other, gateway = sys.argv[1:4]
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("eth0", 0))
mac = link.getsockname()[4]
def ip(source, to, body):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, 17, 0) + source + to
    total = sum(struct.unpack("!10H", head)); total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", 0xFFFF & ~total) + head[12:] + body
udp = struct.pack("!HHHH", 4000, 4000, 14, 0) + b"forged"
mine, theirs, there = map(socket.inet_aton, (own, other, gateway))
arp = struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + mac + theirs + mac + there
while True:
    for source in theirs, b"\\x08\\x08\\x08\\x08", b"\\0" * 4, b"\\x7f\\0\\0\\1":
        link.send(b"\\xff" * 6 + mac + b"\\x08\\0" + ip(source, theirs, udp))
    link.send(b"\\xff" * 6 + mac + b"\\x08\\x06" + arp)
    link.send(b"\\xff" * 6 + b"\\2" * 6 + b"\\x08\\0" + ip(mine, theirs, udp))
    link.send(b"\\xff" * 6 + mac + b"\\x08\\0" + ip(mine, b"\\xe0\\0\\0\\1", udp))
"""
# Listens for as long as some thousand of them take; says which came.
HEARD = """
import socket, time
ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
ear.settimeout(0.2)
end = time.monotonic() + 2
while time.monotonic() < end:
    try:
        if b"forged" in ear.recv(65536): print("forged")
    except TimeoutError: pass
print("done")
"""
# Looks names up that aren't listed, one after the other, and sends questions to other resolvers.
SMUGGLE = """
import os, socket, struct, threading
def name():
    return b"\\x08" + os.urandom(4).hex().encode() + b"\\x07example\\0"
def question():
    return os.urandom(2) + b"\\1\\0\\0\\1" + bytes(6) + name() + b"\\0\\1\\0\\1"
while True:
    for to in ("169.254.1.1", 53), ("203.0.113.9", 53), ("203.0.113.9", 5353), ("192.0.2.1", 443):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            try:
                client.connect(to)
                client.send(question())
                said = client.recv(600)
                if said[3] & 15 != 3: print("answered", to, said, flush=True)
            except OSError: pass
"""


@pytest.fixture
def neighbour(runtime: Server) -> Iterator[Lab]:
    """A lab that serves something."""
    lab = Lab(runtime.client, "neighbour", internet=True, limits=SMALL)
    lab.begin(SERVE)
    yield lab
    lab.remove()


def scan(arena: Arena, name: str, stopped_by: str, ports: str, addresses: list[str]) -> None:
    with arena.attack(name, stopped_by) as row:
        words = " ".join(map(quoted, ["python3", "-u", "-c", SCAN, ports, *addresses]))
        arena.mallory.begin(f"exec {words} >/tmp/found 2>&1", user="root")
        found = arena.mallory.sh(
            "until grep -qs done /tmp/found; do sleep 0.05; done; cat /tmp/found"
        )
        assert found.text.strip() == "done"
        row.compare()


def address6(lab: Lab) -> str:
    said = lab.sh("ip -6 -o address show dev eth0 scope global").text
    return said.split()[3].partition("/")[0]


def test_a_scan_of_the_neighbours(arena: Arena, neighbour: Lab) -> None:
    first = neighbour.record["address"].rsplit(".", 1)[0]
    addresses = [f"{first}.{last}" for last in range(1, 64)]
    addresses.remove(arena.mallory.record["address"])
    own6 = address6(arena.mallory)
    addresses += [address6(neighbour), own6.rsplit(":", 1)[0] + ":1"]
    _control(neighbour)
    scan(
        arena,
        "scan of the neighbours",
        "router namespace: lab to lab is refused",
        f"{PORT},22",
        addresses,
    )


def _control(neighbour: Lab) -> None:
    """The server itself reaches what the scan looks for."""

    def is_open() -> bool:
        try:
            socket.create_connection((neighbour.record["address"], PORT), timeout=5).close()
        except OSError:
            return False
        return True

    wait_for(is_open, "the neighbour's server")


def test_a_scan_of_the_servers_ports(arena: Arena) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        port = listener.getsockname()[1]
        addresses = _own_addresses(arena.mallory.record["address"])
        for address in addresses:
            socket.create_connection((address, port), timeout=5).close()
        addresses.append("169.254.1.1")
        scan(
            arena,
            "scan of the server's ports",
            "router namespace knows the server's addresses",
            f"{port},22,80,8080",
            addresses,
        )


def _own_addresses(towards: str) -> list[str]:
    """This machine's addresses on the ways to a lab and to the world; nothing is sent."""
    found = set()
    for to in (towards, "192.0.2.1"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((to, 9))
            found.add(str(probe.getsockname()[0]))
    return sorted(found)


def test_metadata_and_private_ranges(arena: Arena) -> None:
    addresses = ["169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1"]
    addresses += ["fd00:ec2::254", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1"]
    scan(
        arena,
        "cloud metadata, RFC 1918, link-local",
        "router namespace: not the internet",
        "80,443",
        addresses,
    )


def test_forged_frames_and_packets(arena: Arena, neighbour: Lab) -> None:
    """Nobody in a lab gets a socket for them; whoever did would be heard as the lab alone."""
    words = [FORGE, arena.mallory.record["address"], neighbour.record["address"], "169.254.1.1"]
    with arena.attack("raw sockets, ARP and IP spoofing", "system call filter; router") as row:
        line = f"python3 -c {' '.join(map(quoted, words))}"
        assert "Address family not supported" in arena.mallory.sh(f"timeout 5 {line}").text
        arena.mallory.begin(f"while :; do {line}; done", user="root")
        row.compare()
    with in_network_of(arena.mallory, *words) as forging, in_network_of(neighbour, HEARD) as heard:
        assert heard.communicate(timeout=20)[0].split() == ["done"]
        assert forging.poll() is None  # it went on all the time, or nothing was shown
    assert "PERMANENT" in neighbour.sh("ip neigh show 169.254.1.1").text
    _control(neighbour)


@contextmanager
def in_network_of(lab: Lab, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program as the server's root with nothing of a lab but its network."""
    enter = ["nsenter", f"--net=/proc/{lab.record['pid']}/ns/net", sys.executable, "-c", *words]
    with subprocess.Popen(enter, stdout=subprocess.PIPE, text=True) as program:
        try:
            yield program
        finally:
            program.kill()


def test_a_flood_of_connections(arena: Arena) -> None:
    """To an address that answers nobody, so that each would stay in a table."""
    flood = (
        "import socket\n"
        "while True:\n"
        "  with socket.socket() as one:\n"
        "    one.setblocking(False)\n"
        "    one.connect_ex(('203.0.113.9', 9))\n"
    )
    with arena.attack("flood of connections", "cap on connections, and on new ones") as row:
        arena.mallory.begin(f"exec python3 -c {quoted(flood)}", user="root")
        row.compare()


@pytest.mark.listed("listed.example")
def test_a_lab_with_a_list_looks_for_a_way_around_it(arena: Arena) -> None:
    with arena.attack(
        "direct addresses and other resolvers, past a list of names", "router: no name, no address"
    ) as row:
        arena.mallory.begin(f"exec python3 -c {quoted(SMUGGLE)} >/tmp/got 2>&1", user="root")
        words = [
            "python3",
            "-u",
            "-c",
            SCAN,
            "53,443,853,5353",
            "203.0.113.9",
            "192.0.2.1",
            "3ffe::9",
        ]
        arena.mallory.begin(f"exec {' '.join(map(quoted, words))} >/tmp/found 2>&1", user="root")
        found = arena.mallory.sh(
            "until grep -qs done /tmp/found; do sleep 0.05; done; cat /tmp/found"
        )
        assert found.text.strip() == "done"
        row.compare()
        assert arena.mallory.sh("cat /tmp/got").text == ""
        counted = arena.mallory.client.lab_walls(arena.mallory.id)["network"]["refused"]
        assert counted["unlisted"] > 10
