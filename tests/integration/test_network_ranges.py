"""Labs' addresses and the host's other networks: at the start, and when a VPN comes later."""

from __future__ import annotations

import json
import os
import socket
import sys
from ipaddress import IPv4Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.network_world import SOMEWHERE, SOMEWHERE6, Place, World
from tests.waiting import wait_for

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from runtime.network.router import Router

TOP = Path(__file__).parents[2]
BOTH = pytest.mark.parametrize("version", [4, 6])
SOME = {4: SOMEWHERE, 6: SOMEWHERE6}


class Vpn:
    """A link of the host's by which routes come and go, and who is at its other end."""

    def __init__(self, world: World) -> None:
        self.host = world.host
        self.place = world.place()
        far = f"/proc/{os.getpid()}/fd/{self.place.netns.fd}"
        self.host.ip(f"link add tun0 mtu 1400 type veth peer name tun0 mtu 1400 netns {far}")
        for place, last in (self.host, 1), (self.place, 2):
            place.ip("link set lo up", "link set tun0 up", f"address add 10.8.0.{last}/24 dev tun0")
            place.take(f"fd08::{last}/64", "tun0")
        self.place.ip("route add default via 10.8.0.1", "-6 route add default via fd08::1")
        self.place.listens()

    def leads_to(self, *networks: str | IPv4Network | IPv6Network) -> None:
        for network in networks:
            via = "fd08::2" if ":" in str(network) else "10.8.0.2"
            self.host.ip(f"route add {network} via {via}")

    def forgets(self, network: IPv4Network | IPv6Network) -> None:
        self.host.ip(f"route del {network} dev tun0")

    def has(self, address: str) -> None:
        self.place.take(f"{address}/{128 if ':' in address else 32}", "lo")


class Class:
    """A router with one lab that may leave the host."""

    def __init__(self, world: World) -> None:
        self.vpn = Vpn(world)
        self.router: Router = world.router()
        self.lab = world.place()
        self.lab.listens()
        address = self.router.attach("aaaaaaaa", self.lab.netns.fd, internet=True)
        home = self.router._walls.range.home(IPv4Address(address))
        v4, v6 = self.router._walls.range.both
        self.range: dict[int, IPv4Network | IPv6Network] = {4: v4, 6: v6}
        self.address = {4: address, 6: str(home.address6)}


@pytest.fixture
def class_(world: World) -> Class:
    return Class(world)


def listening(place: Place, request: pytest.FixtureRequest) -> socket.socket:
    """Hears every frame on every link of a place."""
    ear = place.netns.run(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    ear.setblocking(False)
    request.addfinalizer(ear.close)
    return ear


def all_heard(ear: socket.socket) -> bytes:
    got = b""
    try:
        while True:
            got += ear.recv(65536)
    except BlockingIOError:
        return got


@BOTH
@pytest.mark.parametrize("how", ["wider", "the same", "a part"])
def test_a_vpn_that_comes_later_is_heeded_and_labs_go_on(
    world: World, class_: Class, version: int, how: str, request: pytest.FixtureRequest
) -> None:
    range_, lab, vpn = class_.range[version], class_.address[version], class_.vpn
    length = {"wider": -4, "the same": 0, "a part": 4}[how]
    part = ip_network(f"{lab}/{range_.prefixlen + length}", strict=False)
    theirs = str(range_[200])
    vpn.has(theirs)
    assert world.host.reaches(lab) == "open"
    vpn.leads_to(part)
    wait_for(lambda: world.host.reaches(theirs, within_s=1) == "open", "the way into the VPN")
    (warning,) = wait_for(class_.router.warnings, "the warning")
    assert warning.code == "network-crossed"
    assert str(part) in warning.sentence
    ear = listening(vpn.place, request)
    assert class_.lab.reaches(SOME[version]) == "open"
    late = world.place()
    class_.router.attach("bbbbbbbb", late.netns.fd, internet=True)
    assert late.reaches(SOME[version]) == "open"
    assert world.host.reaches(lab, within_s=0.5) == "silent"  # its packet goes into the VPN
    assert class_.lab.reaches(theirs) == "refused"
    assert ip_address(SOME[version]).packed not in all_heard(ear)  # of what labs say, nothing does
    vpn.forgets(part)
    wait_for(lambda: world.host.reaches(lab, within_s=1) == "open", "the host's way to the lab")
    assert class_.lab.reaches(SOME[version]) == "open"
    wait_for(lambda: not class_.router.warnings(), "the warning's end")


def test_who_is_started_beside_a_vpn_takes_a_range_that_it_leads_nowhere_near(
    world: World,
) -> None:
    vpn = Vpn(world)
    vpn.leads_to("198.18.0.0/15", "10.0.0.0/8", "fd51:d000:ac10::/48")
    range_ = world.router()._walls.range
    assert range_.v4.overlaps(ip_network("172.16.0.0/12"))
    assert not range_.v6.overlaps(IPv6Network("fd51:d000:ac10::/48"))


def test_labs_leave_by_a_vpn_that_takes_all_in_two_halves(
    world: World, request: pytest.FixtureRequest
) -> None:
    vpn = Vpn(world)
    vpn.leads_to("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")
    for address in (SOMEWHERE, SOMEWHERE6):
        vpn.has(address)
    lab = world.place()
    world.router().attach("aaaaaaaa", lab.netns.fd, internet=True)
    ear = listening(world.outside, request)
    assert [lab.reaches(address) for address in (SOMEWHERE, SOMEWHERE6)] == ["open", "open"]
    assert ip_address(SOMEWHERE).packed not in all_heard(ear)
    assert "mtu 1400" in lab.ip("link show eth0")


def test_a_lab_gets_no_address_that_the_host_came_to_have(world: World, class_: Class) -> None:
    next_ = IPv4Address(class_.address[4]) + 1
    world.host.take(f"{next_}/32", "lo")
    other = world.place()
    taken = wait_for(lambda: next_ in class_.router._walls.host_addresses(), "the walls to know")
    assert taken
    assert class_.router.attach("bbbbbbbb", other.netns.fd, internet=True) != str(next_)


def test_doctor_says_which_route_leads_into_labs_addresses(world: World, class_: Class) -> None:
    assert doctor(world)["state"] == "good"
    part = ip_network(f"{class_.address[4]}/24", strict=False)
    class_.vpn.leads_to(part, class_.range[6])
    said = doctor(world)
    assert said["state"] == "worse"
    assert f"{part}, {class_.range[6]}" in said["found"]
    assert "--end-labs" in said["fix"]


def doctor(world: World) -> dict[str, str]:
    words = ["-m", "runtime.cli", "doctor", "--json", f"--data={world.instance.data_path}"]
    said = world.host.sh("env", f"PYTHONPATH={TOP}", sys.executable, *words)
    (found,) = [each for each in json.loads(said)["findings"] if each["name"] == "address-range"]
    return dict(found)


@pytest.mark.kernel
@pytest.mark.parametrize("how", [1, 2], ids=["strict", "loose"])
def test_a_host_that_drops_what_comes_by_the_wrong_way_lets_labs_out(
    world: World, how: int
) -> None:
    """Debian and Ubuntu set 2, hardened hosts 1; or somebody does later."""
    router, before, after = world.router(), world.place(), world.place()
    router.attach("aaaaaaaa", before.netns.fd, internet=True)
    assert before.reaches(SOMEWHERE) == "open"
    world.host.sh("sysctl", "-qw", f"net.ipv4.conf.all.rp_filter={how}")
    wait_for(lambda: before.reaches(SOMEWHERE, within_s=1) == "open", "the way out")
    router.attach("bbbbbbbb", after.netns.fd, internet=True)
    assert after.reaches(SOMEWHERE) == "open"
    assert after.reaches(before.ip("-4 -o address show eth0").split()[3][:-3]) == "refused"
    world.down(router)
    assert world.host.sh("sysctl", "-n", "net.ipv4.conf.eth0.src_valid_mark") == "0\n"
