from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_network

import pytest

from runtime.network.addresses import RESERVED, Addresses, Inner, Range, free_range, inner_pool
from runtime.network.netlink import Link, Route, Snapshot

SMALL = IPv4Network("198.18.0.0/27")


def free(*texts: str, seed: int = 0) -> str | None:
    found = free_range([ip_network(text) for text in texts], seed)
    return str(found.v4) if found else None


def test_a_range_meets_no_route_of_the_host() -> None:
    assert free("198.18.0.0/16", "198.19.0.0/20", "198.19.32.0/30") == "198.19.16.0/20"


def test_a_range_meets_no_route_by_ipv6_either() -> None:
    assert free("fd51:d000:c612::/48") == "198.19.0.0/20"


@pytest.mark.parametrize(
    "ways", [["0.0.0.0/0"], ["0.0.0.0/1", "128.0.0.0/1"], ["::/1", "fc00::/7"]]
)
def test_ways_to_everywhere_are_no_networks_that_a_range_could_meet(ways: list[str]) -> None:
    routes = [Route(ip_network(way), frozenset({1}), None, is_own=False) for way in ways]
    assert Snapshot({1: Link(1, "tun0", 1400)}, [], routes).routed() == []


def test_two_halves_of_the_world_are_a_way_out_and_have_its_largest_packet() -> None:
    halves = [ip_network("0.0.0.0/1"), ip_network("128.0.0.0/1")]
    links = {1: Link(1, "eth0", 1500), 2: Link(2, "tun0", 1400), 3: Link(3, "tun1", 1300)}
    seen = Snapshot(
        links, [], [Route(half, frozenset({1, 2}), None, is_own=False) for half in halves]
    )
    assert [link.name for link in seen.ways_out()] == ["eth0", "tun0"]
    assert seen.mtu_out() == 1400


def test_two_servers_begin_at_different_ranges() -> None:
    assert free(seed=1) != free(seed=2)


def test_a_campus_that_uses_the_first_pool_gets_a_range_of_the_next() -> None:
    assert free("198.18.0.0/15", "10.128.0.0/16") == "10.129.0.0/20"


def test_a_host_with_routes_to_everything_has_no_range_left() -> None:
    assert free("198.18.0.0/15", "10.0.0.0/8", "172.16.0.0/12", seed=5) is None


def test_no_two_labs_get_the_same_address_nor_one_of_the_uplink() -> None:
    addresses = Addresses(SMALL)
    taken = [addresses.take() for _ in range(SMALL.num_addresses - 1 - RESERVED)]
    assert len(set(taken)) == len(taken)
    assert min(address for address in taken if address) == SMALL[RESERVED]
    assert addresses.take() is None


def test_an_address_that_was_just_given_back_is_taken_last() -> None:
    addresses = Addresses(SMALL)
    freed = addresses.take()
    assert freed
    addresses.give_back(freed)
    others = [addresses.take() for _ in range(SMALL.num_addresses - 2 - RESERVED)]
    assert freed not in others
    assert addresses.take() == freed


def test_an_address_that_somebody_else_came_to_have_is_passed_over() -> None:
    assert Addresses(SMALL).take({SMALL[RESERVED]}) == SMALL[RESERVED + 1]


def test_the_addresses_of_living_labs_are_not_given_to_new_ones() -> None:
    addresses = Addresses(SMALL, {SMALL[RESERVED]})
    assert addresses.take() == IPv4Address("198.18.0.17")


def test_networks_within_labs_meet_neither_the_labs_nor_a_route() -> None:
    labs = Range(IPv4Network("198.18.0.0/20"))
    routed = [IPv4Network("198.18.64.0/18")]
    pool = inner_pool(routed, labs)
    assert not any(pool.overlaps(other) for other in (*routed, labs.v4))
    inner = Inner(pool, 1400)
    assert inner.slirp.subnet_of(pool)
    assert inner.first.subnet_of(inner.bridges)
    assert inner.bridges.subnet_of(pool)
    assert not inner.bridges.overlaps(inner.slirp)


def test_where_every_range_is_routed_labs_have_one_all_the_same() -> None:
    labs = Range(IPv4Network("10.128.0.0/20"))
    assert inner_pool([IPv4Network("0.0.0.0/0")], labs).overlaps(labs.v4) is False
