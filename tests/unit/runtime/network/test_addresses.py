from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from runtime.network.addresses import RESERVED, Addresses, free_range

SMALL = IPv4Network("198.18.0.0/27")


def networks(*texts: str) -> list[IPv4Network]:
    return [IPv4Network(text) for text in texts]


def test_a_range_meets_no_route_of_the_host() -> None:
    routed = networks("0.0.0.0/0", "198.18.0.0/16", "198.19.0.0/20", "198.19.32.0/30")
    found = free_range(routed, seed=0)
    assert found == IPv4Network("198.19.16.0/20")


def test_a_default_route_alone_leaves_every_range_free() -> None:
    assert free_range(networks("0.0.0.0/0"), seed=0) == IPv4Network("198.18.0.0/20")


def test_two_servers_begin_at_different_ranges() -> None:
    assert free_range([], seed=1) != free_range([], seed=2)


def test_a_campus_that_uses_the_first_pool_gets_a_range_of_the_next() -> None:
    found = free_range(networks("198.18.0.0/15", "10.128.0.0/16"), seed=0)
    assert found == IPv4Network("10.129.0.0/20")


def test_a_host_with_routes_to_everything_has_no_range_left() -> None:
    assert free_range(networks("198.18.0.0/15", "10.0.0.0/8", "172.16.0.0/12"), seed=5) is None


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


def test_the_addresses_of_living_labs_are_not_given_to_new_ones() -> None:
    addresses = Addresses(SMALL, {SMALL[RESERVED]})
    assert addresses.take() == IPv4Address("198.18.0.17")
