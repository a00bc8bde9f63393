"""The host's part of the way out, and what happens when somebody removes it."""

from __future__ import annotations

import shutil
import time
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from tests.integration.network_world import DEADLINE_S, HOST, SOMEWHERE, World

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.kernel

DROPS_ALL = (
    "add table ip filter; add chain ip filter FORWARD "
    "{ type filter hook forward priority 0; policy drop; }"
)


def becomes(wanted: object, read: Callable[[], object]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
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
    ben.listens()
    kept_fd = world.let_go(router)
    assert ada.reaches(SOMEWHERE) == "open"
    world.host.sh("nft", "flush", "ruleset")
    assert world.host.reaches(there) == "open"
    assert ada.reaches(there) == "refused"
    assert ada.reaches(HOST) == "refused"
    assert ada.reaches(SOMEWHERE) == "refused"
    world.adopted(kept_fd)
    assert ada.reaches(SOMEWHERE) == "open"


def test_a_flushed_firewall_is_mended_while_the_runtime_lives(world: World) -> None:
    lab = world.place()
    world.router().attach("aaaaaaaa", lab.netns.fd, internet=True)
    world.host.sh("nft", "flush", "ruleset")
    tables = f"table ip slipway_{world.instance.id}\n"
    assert becomes(tables, lambda: world.host.sh("nft", "list", "tables"))
    assert lab.reaches(SOMEWHERE) == "open"


def test_rules_that_somebody_deletes_come_back(world: World) -> None:
    world.router()
    rules = world.host.ip("rule")
    assert f"iif slip-{world.instance.id} prohibit" in rules
    world.host.ip(f"rule del iif slip-{world.instance.id} prohibit")
    assert becomes(rules, lambda: world.host.ip("rule"))


def test_an_uplink_that_somebody_deletes_comes_back(world: World) -> None:
    lab = world.place()
    world.router().attach("aaaaaaaa", lab.netns.fd, internet=True)
    world.host.ip(f"link del {uplink(world)}")
    assert becomes("open", lambda: lab.reaches(SOMEWHERE))


def test_a_forward_chain_that_drops_all_lets_labs_through(world: World) -> None:
    world.host.sh("nft", DROPS_ALL)
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert lab.reaches(SOMEWHERE) == "open"
    assert "policy drop" in world.host.sh("nft", "list", "ruleset")
    world.down(router)
    assert "slip" not in world.host.sh("nft", "list", "ruleset")


def test_labs_follow_the_largest_packet_of_the_way_out(world: World) -> None:
    world.host.ip("link set eth0 mtu 1400")
    router, before, after = world.router(), world.place(), world.place()
    router.attach("aaaaaaaa", before.netns.fd, internet=True)
    assert "mtu 1400" in before.ip("link show eth0")
    world.host.ip("link set eth0 mtu 1280")
    assert becomes(True, lambda: f"mtu {1280}" in world.host.ip(f"link show {uplink(world)}"))
    router.attach("bbbbbbbb", after.netns.fd, internet=True)
    assert "mtu 1280" in after.ip("link show eth0")


def test_the_resolver_alone_is_open_though_its_address_is_private(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands for the host's /etc/resolv.conf, which a test leaves alone.
    monkeypatch.setattr("runtime.network.router.resolvers", lambda: [IPv4Address("10.9.9.9")])
    world.outside.listens(53)
    router, loud, quiet = world.router(), world.place(), world.place()
    router.attach("aaaaaaaa", loud.netns.fd, internet=True)
    router.attach("bbbbbbbb", quiet.netns.fd, internet=False)
    assert loud.reaches("10.9.9.9", 53) == "open"
    assert loud.reaches("10.9.9.9", 80) == "refused"
    assert loud.reaches("172.16.9.9", 53) == "refused"
    assert quiet.reaches("10.9.9.9", 53) == "refused"
    world.adopted(world.let_go(router))
    assert loud.reaches("10.9.9.9", 53) == "open"


def uplink(world: World) -> str:
    return f"slip-{world.instance.id}"


@pytest.mark.skipif(not shutil.which("iptables"), reason="iptables isn't installed here")
def test_a_firewall_of_iptables_stays_readable_for_its_owner(world: World) -> None:
    world.host.sh("iptables", "-P", "FORWARD", "DROP")
    lab = world.place()
    world.router().attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert lab.reaches(SOMEWHERE) == "open"
    saved = world.host.sh("iptables-save")
    assert f"-i {uplink(world)} -m comment" in saved
    assert "incompatible" not in saved
