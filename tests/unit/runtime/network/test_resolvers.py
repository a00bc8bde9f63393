from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.network.resolvers import OFF, ON, resolv_conf, resolvers

if TYPE_CHECKING:
    from pathlib import Path

REAL = "# made by a program\nsearch lan\nnameserver 192.168.1.1\nnameserver fe80::1%eth0\n"


def test_the_host_s_resolvers_are_found_its_own_loopback_among_them(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text(REAL + "nameserver 127.0.0.53\n")
    assert resolvers(path) == ["192.168.1.1", "fe80::1%eth0", "127.0.0.53"]


def test_a_host_without_a_resolver_file_has_none(tmp_path: Path) -> None:
    assert resolvers(tmp_path / "absent") == []


def test_broken_lines_of_a_resolver_file_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_bytes(b"nameserver\nnameserver \xff\nnameserver 9.9.9.9 # ours\n")
    assert resolvers(path) == ["9.9.9.9"]


def test_a_lab_without_internet_is_told_why_names_are_unknown() -> None:
    assert resolv_conf(internet=False) == OFF


def test_the_address_of_no_resolver_of_the_host_appears_in_a_lab() -> None:
    assert resolv_conf(internet=True) == ON == "nameserver 169.254.1.1\n"
