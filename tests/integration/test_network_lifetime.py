"""What stays while labs live, and that nothing stays afterwards."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runtime.instance import Instance
from runtime.kernel.netns import NetworkNamespace
from runtime.network.rules import ROUTER_TABLE
from runtime.network.walls import Walls
from runtime.problems import Problem
from tests.integration.network_world import HOST, HOST6, SOMEWHERE, Place, World

if TYPE_CHECKING:
    from pathlib import Path


def seen(host: Place) -> str:
    """All of a host's network that one can look at."""
    forwarding = host.sh("sh", "-c", "grep . /proc/sys/net/ipv4/conf/*/forwarding")
    return (
        host.ip("-brief link", "rule", "route", "-6 rule", "-6 route")
        + forwarding
        + host.sh("nft", "list", "ruleset")
    )


@pytest.mark.kernel
def test_down_leaves_no_link_rule_route_table_or_forwarding(world: World) -> None:
    before = seen(world.host)
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert seen(world.host) != before
    world.down(router)
    assert seen(world.host) == before
    assert not world.instance.run_path.exists()


def test_down_lets_forwarding_be_that_somebody_wants_everywhere(world: World) -> None:
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    world.host.sh("sysctl", "-w", "net.ipv4.ip_forward=1")
    world.down(router)
    assert world.host.sh("sysctl", "-n", "net.ipv4.conf.eth0.forwarding") == "1\n"


def test_a_lab_that_is_detached_has_no_way_and_its_address_is_free(world: World) -> None:
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    router.detach("aaaaaaaa")
    router.detach("aaaaaaaa")
    assert router.attached() == {}
    assert "eth0" not in lab.ip("link")
    assert lab.reaches(SOMEWHERE) == "refused"


def test_the_next_lab_with_a_freed_address_has_no_internet_by_it(world: World) -> None:
    router = world.router()
    first, second = world.place(), world.place()
    freed = router.attach("aaaaaaaa", first.netns.fd, internet=True)
    router.detach("aaaaaaaa")
    router._addresses._last -= 1
    assert router.attach("bbbbbbbb", second.netns.fd, internet=False) == freed
    assert second.reaches(SOMEWHERE) == "refused"


def test_an_attach_that_fails_leaves_nothing(world: World) -> None:
    router, lab = world.router(), world.place()
    lab.ip("link add eth0 type veth peer name other")
    with pytest.raises(Problem) as caught:
        router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert caught.value.code == "network-unavailable"
    assert router.attached() == {}


def test_a_connection_outlives_the_runtime_that_made_its_link(world: World) -> None:
    router, lab = world.router(), world.place()
    address = router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    listener = world.outside.listens(8080)
    client = lab.connects(SOMEWHERE, 8080)
    server, _ = listener.accept()
    adopted = world.adopted(world.let_go(router))
    client.send(b"still there")
    with server:
        assert server.recv(64) == b"still there"
    assert adopted.attached() == {"aaaaaaaa": address}
    adopted.detach("aaaaaaaa")
    assert adopted.attached() == {}


def test_an_uplink_that_is_gone_is_made_anew_for_living_labs(world: World) -> None:
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    kept_fd = world.let_go(router)
    world.host.ip(f"link del slip-{world.instance.id}")
    assert lab.reaches(SOMEWHERE) == "refused"
    world.adopted(kept_fd)
    assert lab.reaches(SOMEWHERE) == "open"


@pytest.mark.kernel
def test_what_a_dead_server_left_is_replaced_and_not_doubled(world: World) -> None:
    router = world.router()
    rules, links = world.host.ip("rule"), world.host.ip("-brief link").count("slip-")
    os.close(world.let_go(router))
    world.router()
    assert world.host.ip("rule") == rules
    assert world.host.ip("-brief link").count("slip-") == links


def test_two_servers_on_one_host_have_ranges_of_their_own(world: World, tmp_path: Path) -> None:
    ada, ben = world.place(), world.place()
    other = Instance.at(tmp_path / "other")
    first = world.router().attach("aaaaaaaa", ada.netns.fd, internet=True)
    second = world.router(other).attach("aaaaaaaa", ben.netns.fd, internet=True)
    ben.listens()
    assert first != second
    assert world.host.reaches(second) == "open"
    assert ada.reaches(second) == "refused"


def test_walls_that_are_adopted_keep_every_address_of_the_host_shut(world: World) -> None:
    """From their first moment, before anybody has looked at the host again."""
    kept_fd = world.let_go(world.router())
    walls = Walls.adopt(NetworkNamespace(kept_fd), connections=1)
    shut = str(walls.side.nft(f"list table {ROUTER_TABLE}"))
    walls.close()
    assert HOST in shut
    assert HOST6 in shut
