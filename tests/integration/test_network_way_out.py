"""The host's part of the way out, and what happens when somebody removes it."""

from __future__ import annotations

import shutil
import socket
import time
from functools import partial
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from runtime.network.rules import WAY_BACK_TABLE
from tests.integration.network_world import HOST, HOST6, SOMEWHERE, SOMEWHERE6, Place, World

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 60.0  # one try that meets the gap takes as long as a try may
DROPS_ALL = (
    "add table ip filter; add chain ip filter FORWARD "
    "{ type filter hook forward priority 0; policy drop; }"
)


def becomes(wanted: object, read: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while (found := read()) != wanted and time.monotonic() < deadline:
        pass
    return found == wanted


def test_the_host_gets_no_table_before_a_lab_may_leave_it(world: World) -> None:
    router = world.router()
    quiet, loud = world.place(), world.place()
    router.attach("aaaaaaaa", quiet.netns.fd, internet=False)
    assert world.host.sh("nft", "list", "ruleset") == ""
    assert world.host.sh("sysctl", "-n", "net.ipv4.conf.eth0.forwarding") == "0\n"
    router.attach("bbbbbbbb", loud.netns.fd, internet=True)
    assert f"slipway_{world.instance.id}" in world.host.sh("nft", "list", "tables")
    assert loud.reaches(SOMEWHERE) == "open"


def test_a_flushed_firewall_leaves_labs_shut_while_nobody_watches(world: World) -> None:
    router = world.router()
    ada, ben = world.place(), world.place()
    router.attach("aaaaaaaa", ada.netns.fd, internet=True)
    there = router.attach("bbbbbbbb", ben.netns.fd, internet=True)
    there6 = str(router._walls.range.home(IPv4Address(there)).address6)
    ben.listens()
    kept_fd = world.let_go(router)
    for address in (SOMEWHERE, SOMEWHERE6):
        assert ada.reaches(address) == "open"
    world.host.sh("nft", "flush", "ruleset")
    for address in (there, there6):
        assert world.host.reaches(address) == "open"
        assert ada.reaches(address) == "refused"
    for address in (HOST, HOST6, SOMEWHERE, SOMEWHERE6):
        assert ada.reaches(address) == "refused"
    world.adopted(kept_fd)
    for address in (SOMEWHERE, SOMEWHERE6):
        assert ada.reaches(address) == "open"


@pytest.mark.kernel
@pytest.mark.parametrize("what", ["ruleset", "table inet {}", "chain inet {} masked"])
def test_a_flushed_firewall_is_mended_while_the_runtime_lives(world: World, what: str) -> None:
    lab, table = world.place(), f"slipway_{world.instance.id}"
    world.router().attach("aaaaaaaa", lab.netns.fd, internet=True)
    rules = rules_of(world, table)
    world.host.sh("nft", "flush", *what.format(table).split())
    assert becomes(rules, lambda: rules_of(world, table))
    for address in (SOMEWHERE, SOMEWHERE6):
        assert lab.reaches(address) == "open"


@pytest.mark.parametrize("what", ["ruleset", "table inet slipway", "chain inet slipway spoofed"])
def test_walls_that_somebody_flushes_within_the_router_stand_again(world: World, what: str) -> None:
    router, ada, ben = world.router(), world.place(), world.place()
    router.attach("aaaaaaaa", ada.netns.fd, internet=True)
    there = router.attach("bbbbbbbb", ben.netns.fd, internet=False)
    ben.listens()
    with Place.around(router.netns_fd) as inside:
        inside.sh("nft", "flush", *what.split())
    assert becomes(True, router._walls.stand)
    assert ada.reaches(there) == "refused"
    assert ada.reaches(SOMEWHERE) == "open"
    assert ben.reaches(SOMEWHERE) == "refused"


def test_rules_that_somebody_deletes_come_back(world: World) -> None:
    world.router()
    rules = world.host.ip("rule")
    assert f"iif slip-{world.instance.id} prohibit" in rules
    world.host.ip(f"rule del iif slip-{world.instance.id} prohibit")
    assert becomes(rules, lambda: world.host.ip("rule"))


@pytest.mark.parametrize(
    "what",
    [
        "link del {}",
        "link set {} down",
        "address flush dev {}",
        "-6 address flush dev {}",
        f"route flush table {WAY_BACK_TABLE}",
    ],
)
def test_an_uplink_that_somebody_takes_apart_comes_back(world: World, what: str) -> None:
    lab = world.place()
    world.router().attach("aaaaaaaa", lab.netns.fd, internet=True)
    world.host.ip(what.format(uplink(world)))
    for address in (SOMEWHERE, SOMEWHERE6):
        assert becomes("open", partial(lab.reaches, address))


def test_a_link_that_is_told_to_heed_no_marks_heeds_them_again(world: World) -> None:
    world.host.sh("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=1")
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)

    def is_well() -> bool:
        world.host.sh("sysctl", "-qw", "net.ipv4.conf.eth0.src_valid_mark=0")
        return router._is_well()

    # More than once: of an address that came to be one the kernel tells, and that mends it, too.
    assert becomes(False, is_well)
    assert becomes("open", lambda: lab.reaches(SOMEWHERE))


@pytest.mark.kernel
def test_a_forward_chain_that_drops_all_lets_labs_through(world: World) -> None:
    world.host.sh("nft", DROPS_ALL)
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert lab.reaches(SOMEWHERE) == "open"
    assert "policy drop" in world.host.sh("nft", "list", "ruleset")
    world.down(router)
    assert "slip" not in world.host.sh("nft", "list", "ruleset")


@pytest.mark.kernel
def test_labs_follow_the_largest_packet_of_the_way_out(world: World) -> None:
    world.host.ip("link set eth0 mtu 1400")
    router, before, after = world.router(), world.place(), world.place()
    router.attach("aaaaaaaa", before.netns.fd, internet=True)
    assert "mtu 1400" in before.ip("link show eth0")
    world.host.ip("link set eth0 mtu 1280")
    assert becomes(True, lambda: "mtu 1280" in world.host.ip(f"link show {uplink(world)}"))
    router.attach("bbbbbbbb", after.netns.fd, internet=True)
    assert "mtu 1280" in after.ip("link show eth0")


@pytest.mark.parametrize(("address", "headers"), [(SOMEWHERE, 40), (SOMEWHERE6, 60)])
def test_a_living_lab_and_the_outside_agree_on_packets_that_fit(
    world: World, address: str, headers: int
) -> None:
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    world.host.ip("link set eth0 mtu 1380")
    assert becomes(True, lambda: "mtu 1380" in world.host.ip(f"link show {uplink(world)}"))
    listener = world.outside.listens(8080)
    client = lab.connects(address, 8080)
    accepted, _ = listener.accept()
    for end in (client, accepted):  # with time stamps a packet holds 12 bytes less
        assert 1380 - headers - 12 <= end.getsockopt(6, socket.TCP_MAXSEG) <= 1380 - headers
    accepted.close()


def rules_of(world: World, table: str) -> str:
    """As nft writes them; empty where there is no such table."""
    ruleset = world.host.sh("nft", "list", "ruleset")
    return ruleset if table in ruleset else ""


def uplink(world: World) -> str:
    return f"slip-{world.instance.id}"


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("iptables"), reason="iptables isn't installed here")
def test_a_firewall_of_iptables_stays_readable_for_its_owner(world: World) -> None:
    world.host.sh("iptables", "-P", "FORWARD", "DROP")
    lab = world.place()
    world.router().attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert lab.reaches(SOMEWHERE) == "open"
    saved = world.host.sh("iptables-save")
    assert f"-i {uplink(world)} -m comment" in saved
    assert "incompatible" not in saved
