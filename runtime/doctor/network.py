"""Probes of the host's network: what labs with internet would meet."""

from __future__ import annotations

from runtime.doctor.finding import Finding, advised, judged
from runtime.kernel.nftables import Nftables
from runtime.network.addresses import free_range
from runtime.network.netlink import snapshot_here
from runtime.network.resolvers import resolvers
from runtime.network.way_out import dropping_chains


def address_range() -> Finding:
    """Labs get addresses that no route of the host's leads to."""
    found = free_range(snapshot_here().routed(), seed=0)
    return judged(
        "address-range",
        good=found is not None,
        found=f"{found} is free" if found else "the host has routes into every candidate",
        wanted="a /20 of 198.18.0.0/15, 10.0.0.0/8 or 172.16.0.0/12 without a route",
        fix="Take away a route that isn't needed: `ip route` lists them.",
    )


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
    """A firewall that drops forwarded packets gets two rules of ours, once a lab may leave."""
    try:
        nft = Nftables()
        chains = ", ".join(dropping_chains(nft.run("list chains")))
        nft.close()
    except OSError as error:
        chains = ""
        said = str(error)
    else:
        said = f"{chains} drops by policy" if chains else "no firewall drops forwarded packets"
    return advised(
        "forwarding",
        good=not chains,
        found=said,
        wanted="leave for labs with internet to be forwarded",
        fix="Slipway adds two rules to that chain, with a comment, and takes them away at its end.",
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
