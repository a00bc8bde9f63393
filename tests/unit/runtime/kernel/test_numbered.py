"""A network namespace is found again by a number that didn't keep it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


def test_one_that_is_numbered_again_has_the_number_that_it_had(numbered: NumberedNetworks) -> None:
    one = NetworkNamespace.create()
    number = numbered.add(one.fd)
    assert numbered.add(one.fd) == number
    one.close()
