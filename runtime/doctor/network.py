"""Probes of the host's network: what labs with internet would meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.doctor.finding import Finding, advised, judged
from runtime.kernel.nftables import Nftables
from runtime.network.addresses import Range, free_range
from runtime.network.firewalls import refusing
from runtime.network.netlink import snapshot_here
from runtime.network.resolvers import resolvers

if TYPE_CHECKING:
    from runtime.instance import Instance
    from runtime.network.netlink import Snapshot


def address_range(instance: Instance) -> Finding:
    """Labs have addresses that no route of the host's leads to.

    Args:
        instance: whose; if it has labs, what counts is the range that they are in.
    """
    seen = snapshot_here()
    uplink = f"slip-{instance.id}"
    if (used := _used(seen, uplink)) is None:
        found = free_range(seen.routed(), seed=0)
        return judged(
            "address-range",
            good=found is not None,
            found=f"{found.v4} is free" if found else "the host has routes into every candidate",
            wanted="a /20 of 198.18.0.0/15, 10.0.0.0/8 or 172.16.0.0/12 without a route",
            fix="Take away a route that isn't needed: `ip route` lists them.",
        )
    crossing = ", ".join(seen.crossing(used.both, uplink))
    return advised(
        "address-range",
        good=not crossing,
        found=f"labs are in {used.v4}, where {crossing or 'nobody else'} leads too",
        wanted="a range of their own, without another route into it",
        fix="Labs go on, and the server itself follows the other route. They get a range that is "
        "free when the server is started with no lab living: `serve --end-labs`, then `serve`.",
    )


def _used(seen: Snapshot, uplink: str) -> Range | None:
    """The range of a server that runs, by the address of its uplink."""
    link = seen.link(uplink)
    ends = [each.local for each in seen.addresses if link and each.link == link.index]
    return Range.around(ends[0]) if ends else None


def way_out() -> Finding:
    """Labs with internet leave by the host's default route, and their packets fit it."""
    seen = snapshot_here()
    names = ", ".join(link.name for link in seen.ways_out())
    return advised(
        "way-out",
        good=bool(names),
        found=f"by {names}, packets up to {seen.mtu_out()} bytes" if names else "no default route",
        wanted="an IPv4 default route, for labs with internet",
        fix="Labs work without; `internet on` needs one.",
    )


def forwarding() -> Finding:
    """A firewall that refuses forwarded packets gets two rules of ours, once a lab may leave."""
    try:
        nft = Nftables()
        chains = ", ".join(refusing(nft.run))
        nft.close()
    except OSError as error:
        return advised(
            "forwarding",
            good=False,
            found=str(error),
            wanted="leave to read the firewall that forwarded packets pass",
            fix="Without it, labs with internet get out only where that firewall lets them. For "
            "iptables' older tables install `iptables`; for nft's, start Slipway as root.",
        )
    return advised(
        "forwarding",
        good=True,
        found=f"{chains} refuses what it doesn't know: labs get two rules there, with a comment"
        if chains
        else "no firewall refuses forwarded packets",
        wanted="",
        fix="",
    )


def names() -> Finding:
    """Labs with internet ask the host's resolvers, by a relay of ours."""
    found = ", ".join(resolvers())
    return advised(
        "resolver",
        good=bool(found),
        found=found or "none",
        wanted="a resolver in /etc/resolv.conf",
        fix="Name one in /etc/resolv.conf; without, labs with internet know no names.",
    )
