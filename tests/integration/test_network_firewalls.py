"""Firewalls of others on the host, in nft's tables and iptables' older ones, before and after us.

Each kind of table is what `iptables` means on the host: Debian has both programs and lets its
administrator choose.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from runtime.kernel.nftables import Nftables
from tests.integration.network_world import HOST, SOMEWHERE, SOMEWHERE6, Place, World
from tests.waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.network.router import Router

LEGACY = "/usr/sbin/xtables-legacy-multi"
KINDS = pytest.mark.parametrize(
    "firewall",
    [
        "nft",
        pytest.param(
            "legacy",
            marks=pytest.mark.skipif(
                not shutil.which(LEGACY), reason="iptables' older program isn't installed here"
            ),
        ),
    ],
    indirect=True,
)
UFW = pytest.mark.skipif(not shutil.which("ufw"), reason="ufw isn't installed here")
LOCKED = (
    "add table inet theirs { flags owner; }; add chain inet theirs forward "
    "{ type filter hook forward priority 10; policy drop; }"
)
# Its settings lie in a folder of the test, and this machine's own stay as they are.
BEGIN = f"""
set -e
mount --make-rprivate /
mkdir -p "$1/ufw" "$1/default"
[ -e "$1/ufw/ufw.conf" ] || cp -a /etc/ufw/. "$1/ufw/"
[ -e "$1/default/ufw" ] || cp -a /etc/default/. "$1/default/"
mount --bind "$1/ufw" /etc/ufw
mount --bind "$1/default" /etc/default
mount -t tmpfs none /run
[ "$2" = nft ] || mount --bind {LEGACY} /usr/sbin/xtables-nft-multi
shift 2
exec "$@"
"""


class Firewall:
    """The host's, as its administrator drives it."""

    def __init__(self, world: World, folder: Path, kind: str) -> None:
        self._host = world.host
        self._words = [str(folder), kind]

    def does(self, *words: str) -> str:
        return self._host.sh("unshare", "--mount", "sh", "-c", BEGIN, "sh", *self._words, *words)

    def saved(self) -> list[str]:
        """All rules and policies, without their counts."""
        both = self.does("iptables-save") + self.does("ip6tables-save")
        assert "incompatible" not in both
        return [line.split(" [")[0] for line in both.splitlines() if line[0] in ":-"]


@pytest.fixture
def firewall(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Firewall:
    return Firewall(world, tmp_path / "firewall", request.param)


def two_labs(world: World, router: Router) -> tuple[Place, Place]:
    """One with internet, one without."""
    loud, quiet = world.place(), world.place()
    router.attach("aaaaaaaa", loud.netns.fd, internet=True)
    router.attach("bbbbbbbb", quiet.netns.fd, internet=False)
    return loud, quiet


def reached(lab: Place) -> list[str]:
    # A link's queue may be switched on a moment after it: a first packet is sent again after 1 s.
    return [lab.reaches(address) for address in (SOMEWHERE, SOMEWHERE6)]


def gets_out(lab: Place) -> None:
    wait_for(lambda: reached(lab) == ["open", "open"], "the lab's way out", deadline_s=30)


@UFW
@KINDS
def test_labs_get_out_where_ufw_was_first_and_ufw_is_unharmed(
    world: World, firewall: Firewall
) -> None:
    firewall.does("ufw", "--force", "enable")
    before = firewall.saved()
    assert ":FORWARD DROP" in before
    router = world.router()
    loud, quiet = two_labs(world, router)
    assert reached(loud) == ["open", "open"]
    assert reached(quiet) == ["refused", "refused"]
    assert loud.reaches(HOST) == "refused"
    assert world.outside.reaches(HOST, within_s=1) == "silent"  # what ufw is there for
    world.down(router)
    assert firewall.saved() == before


@UFW
@KINDS
def test_labs_get_out_when_ufw_comes_reloads_and_goes(world: World, firewall: Firewall) -> None:
    router = world.router()
    loud, quiet = two_labs(world, router)
    gets_out(loud)
    for words in (["--force", "enable"], ["reload"], ["disable"]):
        firewall.does("ufw", *words)
        gets_out(loud)
        assert reached(quiet) == ["refused", "refused"]
    world.down(router)
    assert "slip" not in "".join(firewall.saved())


@KINDS
def test_a_rule_at_the_end_that_refuses_all_lets_labs_through(
    world: World, firewall: Firewall
) -> None:
    for program in "iptables", "ip6tables":
        firewall.does(program, "-A", "FORWARD", "-j", "REJECT")
    router = world.router()
    loud, quiet = two_labs(world, router)
    gets_out(loud)
    assert reached(quiet) == ["refused", "refused"]
    for program in "iptables", "ip6tables":  # and when somebody loads their rules anew
        firewall.does(program, "-F", "FORWARD")
        firewall.does(program, "-A", "FORWARD", "-j", "REJECT")
    gets_out(loud)
    world.down(router)
    assert "slip" not in "".join(firewall.saved())


def test_a_firewall_that_nobody_else_may_write_leaves_labs_shut_and_alive(world: World) -> None:
    """As firewalld locks its own: it belongs to the process that made it while that lives."""
    owner = world.host.netns.run(Nftables)
    world.host.netns.run(owner.run, LOCKED)
    router = world.router()
    loud, _ = two_labs(world, router)
    assert loud.reaches(SOMEWHERE, within_s=1) == "silent"
    assert [each.code for each in router.warnings()] == ["firewall-locked"]
    world.host.netns.run(owner.close)
    gets_out(loud)
    wait_for(lambda: not router.warnings(), "the firewall to be known for open")
