"""Lists of names, and the addresses that are open by them."""

from __future__ import annotations

import re
from ipaddress import ip_address

import pytest

from runtime.network.allowed import NAME, Learnt, is_internet, private_networks
from runtime.problems import Problem


@pytest.mark.parametrize("name", ["pypi.org", "*.debian.org", "_http._tcp.deb.example", "a.b1"])
def test_these_are_names(name: str) -> None:
    assert re.fullmatch(NAME, name)


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "localhost", "10.0.0.1", "Pypi.org", "pypi.org.", "https://pypi.org", "a..b",
     "a.*.b", "pypi.org\n", "b\u00fccher.example", "-a.example", "::1"],
)  # fmt: skip
def test_these_are_none(text: str) -> None:
    assert not re.fullmatch(NAME, text)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "169.254.169.254", "127.0.0.1", "0.1.2.3", "224.0.0.1", "::1", "fe80::1",
     "fd00::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:0:808::1"],
)  # fmt: skip
def test_an_answer_opens_no_address_that_is_not_of_the_internet(address: str) -> None:
    assert not is_internet(ip_address(address))
    assert is_internet(ip_address("8.8.8.8"))
    assert is_internet(ip_address("2606:4700::1"))


@pytest.mark.parametrize(
    "typed", ["8.8.8.8", "10.0.0.1/8", "0.0.0.0/0", "169.254.169.254", "127.0.0.0/8", "::/0", "lan"]
)
def test_an_operator_names_private_networks_and_no_others(typed: str) -> None:
    with pytest.raises(Problem, match="must be private networks"):
        private_networks(f"10.1.0.0/16, {typed}")
    assert len(private_networks("10.1.0.0/16,192.168.7.5 fd00::/64")) == 3
    assert private_networks("") == ()


def test_a_lab_whose_names_have_too_many_addresses_keeps_the_newest() -> None:
    learnt = Learnt()
    for number in range(600):
        over = learnt.add(7, [ip_address(number + (8 << 24))], 60, now=float(number) / 100)
        assert [str(each) for each in over] == (
            [] if number < 512 else [str(ip_address(number - 512 + (8 << 24)))]
        )
    assert len(learnt.of(7, now=0.0)) == 512
    assert len(learnt.forget(7)) == 512
    assert list(learnt.living(now=0.0)) == []
