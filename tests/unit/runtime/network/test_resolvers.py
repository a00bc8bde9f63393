from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from runtime.network.resolvers import NONE, OFF, resolv_conf, resolvers

if TYPE_CHECKING:
    from pathlib import Path

REAL = "# made by a program\nsearch lan\nnameserver 192.168.1.1\nnameserver fe80::1%eth0\n"
STUB = "nameserver 127.0.0.53\noptions edns0 trust-ad\n"


def test_the_stub_of_the_host_never_appears_in_a_lab(tmp_path: Path) -> None:
    stub, real = tmp_path / "stub", tmp_path / "real"
    stub.write_text(STUB)
    real.write_text(REAL)
    assert resolvers((stub, real)) == [IPv4Address("192.168.1.1")]


def test_a_host_without_any_resolver_file_has_none(tmp_path: Path) -> None:
    assert resolvers((tmp_path / "absent",)) == []


def test_broken_lines_of_a_resolver_file_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_bytes(b"nameserver\nnameserver \xff\nnameserver 9.9.9.9 # ours\n")
    assert resolvers((path,)) == [IPv4Address("9.9.9.9")]


def test_a_lab_without_internet_is_told_why_names_are_unknown() -> None:
    assert resolv_conf([IPv4Address("192.168.1.1")], internet=False) == OFF


def test_a_lab_with_internet_asks_the_resolvers_of_the_host() -> None:
    found = [IPv4Address("192.168.1.1"), IPv4Address("9.9.9.9")]
    assert resolv_conf(found, internet=True) == "nameserver 192.168.1.1\nnameserver 9.9.9.9\n"
    assert resolv_conf([], internet=True) == NONE
