"""A host that was no router before forwards for labs alone, and keeps the ways it had."""

from __future__ import annotations

import os
import socket
import struct

import pytest

from tests.integration.network_world import SOMEWHERE, SOMEWHERE6, Place, World
from tests.waiting import wait_for

BEHIND, BEHIND6 = "10.77.0.2", "2a00:5177::2"
DROPS_ALL = (
    "add table inet other; add chain inet other forward "
    "{ type filter hook forward priority 0; policy drop; }"
)


class Behind:
    """A world in which something lies behind the host, and the outside has a route to it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.place = world.place()
        far = f"/proc/{os.getpid()}/fd/{self.place.netns.fd}"
        host, outside = world.host, world.outside
        host.ip(f"link add eth1 type veth peer name eth0 netns {far}")
        for address in ("10.77.0.1/24", "2a00:5177::1/64"):
            host.take(address, "eth1")
        host.ip("link set eth1 up")
        self.place.ip("link set eth0 up")
        for address in (f"{BEHIND}/24", f"{BEHIND6}/64"):
            self.place.take(address, "eth0")
        self.place.ip("route add default via 10.77.0.1", "-6 route add default via 2a00:5177::1")
        outside.ip("route add 10.77.0.0/24 via 203.0.113.2")
        outside.ip("-6 route add 2a00:5177::/64 via 2a00:5118::2")
        self.place.listens()

    def is_open(self) -> list[bool]:
        """Whether the outside gets through the host, by IPv4 and by IPv6."""
        return [self.world.outside.reaches(to, within_s=1) == "open" for to in (BEHIND, BEHIND6)]

    def is_open_both(self) -> bool:
        return self.is_open() == [True, True]


@pytest.fixture
def behind(world: World) -> Behind:
    return Behind(world)


def reaches_both(lab: Place) -> list[str]:
    return [lab.reaches(address) for address in (SOMEWHERE, SOMEWHERE6)]


def test_nothing_but_labs_is_forwarded_even_with_the_firewall_flushed(behind: Behind) -> None:
    world, lab = behind.world, behind.world.place()
    assert behind.is_open() == [False, False]
    router = world.router()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert reaches_both(lab) == ["open", "open"]
    assert behind.is_open() == [False, False]
    kept_fd = world.let_go(router)
    world.host.sh("nft", "flush", "ruleset")
    assert behind.is_open() == [False, False]
    world.adopted(kept_fd)


def test_a_host_that_forwards_already_goes_on(behind: Behind) -> None:
    world, lab = behind.world, behind.world.place()
    world.host.sh("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    wait_for(behind.is_open_both, "the way through")
    router = world.router()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert reaches_both(lab) == ["open", "open"]
    wait_for(behind.is_open_both, "the way through")
    world.down(router)
    wait_for(behind.is_open_both, "the way through")


def test_whoever_wants_forwarding_later_gets_it(behind: Behind) -> None:
    world, lab = behind.world, behind.world.place()
    router = world.router()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    world.host.sh("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    world.host.sh("nft", DROPS_ALL + '; add rule inet other forward iifname "eth0" accept')
    world.host.sh("nft", 'add rule inet other forward iifname "eth1" accept')
    wait_for(behind.is_open_both, "the way through")
    assert reaches_both(lab) == ["open", "open"]
    world.down(router)
    wait_for(behind.is_open_both, "the way through")


@pytest.mark.parametrize("is_first", [True, False])
def test_a_firewall_lets_through_nothing_that_nobody_forwards(
    behind: Behind, is_first: bool
) -> None:
    world, lab = behind.world, behind.world.place()
    firewall = DROPS_ALL + "; add rule inet other forward tcp dport 80 accept"
    if is_first:
        world.host.sh("nft", firewall)
    router = world.router()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    if not is_first:
        world.host.sh("nft", firewall)
    router._follow()  # at the latest by now it has seen the firewall
    assert reaches_both(lab) == ["open", "open"]
    assert behind.is_open() == [False, False]
    world.down(router)
    assert world.host.sh("sysctl", "-n", "net.ipv6.conf.all.forwarding") == "0\n"


def advertise(outside: Place) -> None:
    """Say once that this is a router for half an hour."""
    with outside.netns.run(socket.socket, socket.AF_INET6, socket.SOCK_RAW, 58) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        index = outside.netns.run(socket.if_nametoindex, "eth0")
        sender.sendto(
            struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0), ("ff02::1", 0, 0, index)
        )


@pytest.mark.kernel
def test_a_default_route_that_a_router_advertised_stays(world: World) -> None:
    host = world.host
    host.ip("-6 route del default")
    world.outside.sh("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")  # as a router's answers say

    def has_route() -> bool:
        return "proto ra" in host.ip("-6 route show default")

    def advertised() -> bool:
        advertise(world.outside)
        return has_route()

    wait_for(advertised, "the host's way out by IPv6")
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert host.sh("sysctl", "-n", "net.ipv6.conf.all.forwarding") == "1\n"
    assert has_route()
    assert lab.reaches(SOMEWHERE6) == "open"
    host.ip("-6 route flush default")
    wait_for(advertised, "the next advertisement to be believed")
    world.down(router)
    for name, value in ("all.forwarding", "0"), ("eth0.accept_ra", "1"):
        assert host.sh("sysctl", "-n", f"net.ipv6.conf.{name}") == f"{value}\n"
    assert has_route()
