"""A network namespace is found again by a number that didn't keep it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.kernel import rtnetlink
from runtime.kernel.netns import NetworkNamespace
from runtime.kernel.numbered import NumberedNetworks
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kernel


@pytest.fixture
def numbered() -> Iterator[NumberedNetworks]:
    made = NumberedNetworks(Path("/dev/net/tun"))
    yield made
    made.close()


def test_one_that_lives_is_opened_and_one_that_nothing_keeps_is_gone(
    numbered: NumberedNetworks,
) -> None:
    kept, left = NetworkNamespace.create(), NetworkNamespace.create()
    numbers = [numbered.add(each.fd) for each in (kept, left)]
    try:
        assert numbered.living() == set(numbers)
    finally:
        left.close()
    try:
        wait_for(lambda: numbered.living() == {numbers[0]}, "the end of the one")
        fd = numbered.open(numbers[0])
        assert os.path.sameopenfile(fd, kept.fd)
        os.close(fd)
        links = kept.run(os.listdir, "/proc/thread-self/net/dev_snmp6")
        assert links == ["lo"], "the tunnel went with its descriptor"
    finally:
        kept.close()
    wait_for(lambda: not numbered.living(), "the end of the other")
    with pytest.raises(OSError, match="rtnetlink"):
        numbered.open(numbers[0])


def test_a_tunnel_that_somebody_moves_on_leads_nobody_astray(
    numbered: NumberedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = NetworkNamespace.create(), NetworkNamespace.create()
    do = rtnetlink.do

    def and_move_on(kind: int, body: bytes) -> None:
        do(kind, body)
        (name,) = set(one.run(os.listdir, "/proc/thread-self/net/dev_snmp6")) - {"lo"}
        there = f"/proc/{os.getpid()}/fd/{other.fd}"
        one.run(subprocess.run, ["ip", "link", "set", name, "netns", there], check=True)

    try:
        number = numbered.add(one.fd)
        monkeypatch.setattr(rtnetlink, "do", and_move_on)  # as root of it may, in between
        with pytest.raises(OSError, match="moved the tunnel on"):
            numbered.open(number)
    finally:
        one.close()
        other.close()


def test_one_that_is_numbered_again_has_the_number_that_it_had(numbered: NumberedNetworks) -> None:
    one = NetworkNamespace.create()
    number = numbered.add(one.fd)
    assert numbered.add(one.fd) == number
    one.close()
