"""Forwarding on the host, for our packets alone: a host that was no router becomes none for others.

IPv4 forwards by the link that a packet comes in by. IPv6 forwards everywhere or nowhere, and a host
that forwards no longer believes router advertisements, by which it may have its own default route:
`accept_ra` 2 says that it does all the same.

What others could now have forwarded is dropped by ip rules and not by nft, so it stays shut when
somebody flushes the firewall. Where somebody forwards everywhere, forwarding is theirs to decide,
and the rule is taken away. For IPv6 a switch that is on already looks the same after somebody
else switched it on; but the kernel then switches it on for links to come as well, which we leave
off, and says so. A firewall alone decides nothing: ufw's lets pings through that nobody asked for.

A link that filters by the way back (`rp_filter`) must ask with an answer's own mark
(`src_valid_mark`), or it drops all that comes back to labs: without the mark they have no way out.
"""

from __future__ import annotations

import errno
import json
import socket
from contextlib import suppress
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from runtime.network.addresses import Range
from runtime.network.netlink import MAIN_TABLE, no_matter
from runtime.network.rules import WAY_BACK_TABLE

if TYPE_CHECKING:
    from runtime.instance import Instance
    from runtime.network.netlink import Snapshot
    from runtime.network.side import Side

_V4, _V6 = socket.AF_INET, socket.AF_INET6
# After those of the uplink (host.py).
_OWN_RULE = 30002
_ANSWERS_RULE = 30003
_OTHERS_RULE = 30004
_INVERT = 2  # FIB_RULE_INVERT
_EVERYWHERE6 = "ipv6/conf/all/forwarding"
_TO_COME6 = "ipv6/conf/default/forwarding"


class Forwarding:
    """What this instance switched on; kept in a file, so that a later life can switch it off.

    Args:
        side: the host's.
        instance: whose.
        uplink: the link that labs come by.
    """

    def __init__(self, side: Side, instance: Instance, uplink: str) -> None:
        self._side = side
        self._uplink = uplink
        self._path = instance.run_path / "forwarding.json"

    def allow(self, range_: Range, seen: Snapshot) -> None:
        """Let the kernel forward what labs send and what they get back; mends what was changed.

        Args:
            range_: of the labs.
            seen: the host's links and routes.
        """
        done = self._done()
        self._answer(range_)
        everywhere = self._side.sysctl("ipv4/ip_forward") == "1"
        if not everywhere:
            links = [self._uplink, *(link.name for link in seen.ways_out())]
            done["links"] = sorted({*done["links"], *self._switch_on(links)})
        done["marks"] = sorted({*done["marks"], *self._heed_marks(seen)})
        if self._side.has_ipv6 and seen.ways_out(6):
            self._switch_on_ipv6(done)
        self._remember({**done, "range": str(range_.v4)})
        for name in set(done["links"]) - {self._uplink}:
            self._shut(_V4, wanted=not everywhere, iifname=name)
        if done["everywhere6"]:
            self._shut(_V6, wanted=not self._is_wanted6(), iifname="lo", flags=_INVERT)

    def heeds_marks(self) -> bool:
        """Whether links still ask with the mark; the kernel tells nobody when they don't."""
        done = self._done()["marks"]
        present = set(self._side.links4()) if done else set()
        return all(self._side.sysctl(_marks(name)) == "1" for name in present.intersection(done))

    def stop(self) -> None:
        """Switch off what `allow` switched on, unless somebody else wants it by now."""
        done = self._done()
        present = {link.name for link in self._side.snapshot().links.values()}
        for name in done["links"]:
            self._shut(_V4, wanted=False, iifname=name)
            if name in present and self._side.sysctl("ipv4/ip_forward") == "0":
                self._side.set_sysctl(_forwarding(name), "0")
        for name in present.intersection(done["marks"]):
            self._side.set_sysctl(_marks(name), "0")
        if done["everywhere6"]:
            self._shut(_V6, wanted=False, iifname="lo", flags=_INVERT)
            if not self._is_wanted6():
                self._side.set_sysctl(_EVERYWHERE6, "0")
                for name in done["accepting"]:
                    with suppress(FileNotFoundError):  # the link is gone
                        self._side.set_sysctl(_accepting(name), "1")
        if "range" in done:
            self._back_to(Range(IPv4Network(done["range"])), "del", errno.ENOENT)
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # others have files there, or it never was
            self._path.parent.rmdir()

    def _answer(self, range_: Range) -> None:
        """What comes back to labs finds its way before the rule that drops the rest.

        By a table of our own, and not by the main one, in which another's route may come to lead to
        the same addresses; the host itself keeps to the main one, so that route is heeded too.
        """
        self._back_to(range_, "add", errno.EEXIST)

    def _back_to(self, range_: Range, verb: str, fine: int) -> None:
        own = {"iifname": "lo", "table": MAIN_TABLE, "priority": _OWN_RULE}
        others = {"table": WAY_BACK_TABLE, "priority": _ANSWERS_RULE}
        for family, network in zip((_V4, _V6), range_.both, strict=True):
            for rule in own, others:
                with no_matter(fine, errno.EAFNOSUPPORT), self._side.netlink.batch() as batch:
                    batch.rule(verb, family=family, dst=str(network), **rule)

    def _shut(self, family: int, *, wanted: bool, **which: str | int) -> None:
        verb, fine = ("add", errno.EEXIST) if wanted else ("del", errno.ENOENT)
        with no_matter(fine), self._side.netlink.batch() as batch:
            batch.rule(verb, family=family, priority=_OTHERS_RULE, action="blackhole", **which)

    def _switch_on(self, links: list[str]) -> list[str]:
        switched = [name for name in links if self._side.sysctl(_forwarding(name)) == "0"]
        for name in switched:
            self._side.set_sysctl(_forwarding(name), "1")
        return switched

    def _heed_marks(self, seen: Snapshot) -> list[str]:
        filters_all = self._side.sysctl(_filters("all")) != "0"
        ways = [link.name for link in seen.ways_out()]
        filtering = [
            name for name in ways if filters_all or self._side.sysctl(_filters(name)) != "0"
        ]
        switched = [name for name in filtering if self._side.sysctl(_marks(name)) == "0"]
        for name in switched:
            self._side.set_sysctl(_marks(name), "1")
        return switched

    def _switch_on_ipv6(self, done: dict[str, Any]) -> None:
        if self._side.sysctl(_EVERYWHERE6) == "1" and not done["everywhere6"]:
            return
        believing = [name for name in self._side.links6() if self._accepts(name)]
        for name in believing:  # before: the switch takes away the routes of who doesn't
            self._side.set_sysctl(_accepting(name), "2")
        done["accepting"] = sorted({*done["accepting"], *believing})
        if self._side.sysctl(_EVERYWHERE6) == "0":
            done["everywhere6"] = True
            self._remember(done)
            self._side.set_sysctl(_EVERYWHERE6, "1")
            self._side.set_sysctl(_TO_COME6, "0")

    def _is_wanted6(self) -> bool:
        """Whether somebody else has switched IPv6 forwarding on since we did."""
        return self._side.sysctl(_TO_COME6) == "1"

    def _accepts(self, link: str) -> bool:
        return link != "all" and self._side.sysctl(_accepting(link)) == "1"

    def _done(self) -> dict[str, Any]:
        try:
            found: Any = json.loads(self._path.read_text())
        except (OSError, ValueError):
            found = {}
        if not isinstance(found, dict):
            found = {}
        return {"links": [], "marks": [], "everywhere6": False, "accepting": [], **found}

    def _remember(self, done: dict[str, Any]) -> None:
        text = json.dumps(done)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if not self._path.exists() or self._path.read_text() != text:
            self._path.write_text(text)


def _forwarding(link: str) -> str:
    return f"ipv4/conf/{link}/forwarding"


def _filters(link: str) -> str:
    return f"ipv4/conf/{link}/rp_filter"


def _marks(link: str) -> str:
    return f"ipv4/conf/{link}/src_valid_mark"


def _accepting(link: str) -> str:
    return f"ipv6/conf/{link}/accept_ra"
