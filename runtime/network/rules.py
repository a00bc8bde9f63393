"""The two nft tables, as an auditor reads them: the walls in the router, the way out on the host.

Pure text: nothing here talks to the kernel. A lab's packets carry its number (`Addresses.slot`) as
their mark, so that one rule and one set stand for its IPv4 and its IPv6.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network, IPv6Network

    from runtime.network.addresses import Home, Range

GATEWAY = IPv4Address("169.254.1.1")
# Only a name for the next hop: nothing answers there.
GATEWAY6 = IPv6Address("fe80::1")
REGISTRY_PORT = 5000
# Where engines search the usual registry without TLS.
SEARCH_PORT = 80
_OURS = f"{{ {REGISTRY_PORT}, {SEARCH_PORT} }}"
# A push or a pull of an engine opens some six at once.
REGISTRY_CONNECTIONS = 32
UPLINK = "uplink"
ROUTER_TABLE = "inet slipway"
ROUTER_CHAINS = ("spoofed", "input", "forward")
MARK = 0x511D0A
# What comes back to labs is routed by it, whatever somebody's route says of their addresses.
WAY_BACK_TABLE = 0x511D

# Not the internet: private, shared and link-local ranges (cloud metadata is in 169.254/16), other
# special ones of RFC 6890, multicast and reserved.
NOT_INTERNET = (
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
    "192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4"
)
# The same for IPv6: what isn't global unicast, and within it documentation, benchmarks, and the two
# tunnels whose addresses hold an IPv4 one (Teredo, 6to4): they would lead around the list above.
INTERNET6 = "2000::/3"
NOT_INTERNET6 = "2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20"

# What a lab may begin: enough for a package manager, too little for a scan of the internet.
NEW_PER_SECOND = 20
NEW_AT_ONCE = 200
QUESTIONS_PER_SECOND = 100
# What ICMP says the kernel sends by one socket a processor, for the whole machine, and that holds
# 130 KB: what waits in one lab's queue is taken from everybody. So little of it may wait.
REFUSALS_PER_SECOND, REFUSALS_AT_ONCE = 50, 25
_PINGS = "rate over 100 kbytes/second burst 16 kbytes"
# Elements of the sets that the kernel fills: one for each address of the range.
_LABS = 4096


@dataclass(frozen=True)
class Refusals:
    """How often a lab was refused something that is explained to its learner.

    Attributes:
        internet: packets to outside though its workshop has internet off.
        mail: packets to port 25.
        connections: connections beyond those that a lab may have, or begin in a second.
        unlisted: packets to addresses, and lookups of names, that aren't on the workshop's list.
    """

    internet: int = 0
    mail: int = 0
    connections: int = 0
    unlisted: int = 0


@dataclass(frozen=True)
class Listed:
    """Labs that reach listed names only, and the addresses that these have just now.

    Attributes:
        slots: numbers of those labs.
        open: for each address a lab's number, the address, and the seconds that it stays open.
    """

    slots: frozenset[int] = frozenset()
    open: tuple[tuple[int, IPv4Address | IPv6Address, float], ...] = ()


# What labs ask of the router itself.
_FOR_US = f"""\
    chain input {{
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname "lo" accept
        icmp type echo-request update @pinged {{ meta mark limit {_PINGS} }} drop
        ip daddr {GATEWAY} icmp type echo-request accept
        meta mark @internet ip daddr {GATEWAY} meta l4proto {{ tcp, udp }} th dport 53 goto asks
        meta mark != 0 ip daddr {GATEWAY} tcp dport {_OURS} goto carries
        goto refused
    }}
    # The workshop's registry, which knows a lab by its address: with internet or without.
    chain carries {{
        ct state new add @carried {{ meta mark ct count over {REGISTRY_CONNECTIONS} }} goto refused
        accept
    }}
    chain asks {{
        update @asked {{ meta mark limit rate over {QUESTIONS_PER_SECOND}/second \
burst {QUESTIONS_PER_SECOND} packets }} drop
        accept
    }}
"""
# Where what isn't let through ends, and what is counted of it.
_ENDS = f"""\
    chain without_internet {{
        update @tried_internet {{ meta mark }}
        goto refused
    }}
    chain mail {{
        update @tried_mail {{ meta mark }}
        goto refused
    }}
    chain too_many {{
        update @tried_connections {{ meta mark }}
        goto refused
    }}
    # At once, not by a timeout: a learner sees that it is shut, and not that it is slow.
    chain refused {{
        meta l4proto tcp reject with tcp reset
        update @told {{ meta mark limit rate over {REFUSALS_PER_SECOND}/second \
burst {REFUSALS_AT_ONCE} packets }} drop
        reject with icmpx type admin-prohibited
    }}
"""


def router_table(
    range_: Range,
    host: Iterable[IPv4Network | IPv6Network],
    homes: Iterable[Home],
    internet: Iterable[int],
    listed: Listed,
    connections: int,
    private: Iterable[IPv4Network | IPv6Network] = (),
) -> str:
    """Replace the router's whole table in one transaction; open connections live on.

    Args:
        range_: the labs' addresses and the uplink's two ends.
        host: addresses that mean the host itself.
        homes: where each lab is.
        internet: numbers of the labs that may leave the host.
        listed: those of them that reach listed names only.
        connections: how many to outside one lab may have at once.
        private: networks that aren't the internet, and to which listed names may lead.
    """
    return f"""
add table {ROUTER_TABLE}
delete table {ROUTER_TABLE}
table {ROUTER_TABLE} {{
{_router_sets(range_, list(host), list(homes), internet, listed, list(private))}
    # A lab speaks by its own link, with the one hardware address and the two others that it was
    # given. What neighbours on a wire ask each other (DHCP, router advertisements, multicast) has
    # other senders than these, so it ends here.
    chain spoofed {{
        type filter hook prerouting priority raw; policy drop;
        iifname "lo" accept
        iifname "{UPLINK}" fib saddr . iif oif exists accept
        meta mark set iif . ether saddr . ip saddr map @labs
        meta mark set iif . ether saddr . ip6 saddr map @labs6
        # All labs share the table of connections, and each ping would be one of them for 30 s.
        meta mark != 0 ip daddr {GATEWAY} icmp type echo-request notrack accept
        meta mark != 0 accept
    }}
{_FOR_US}{_through(range_, connections)}{_ENDS}}}
"""


def _through(range_: Range, connections: int) -> str:
    """What labs ask of others, and what is begun for it."""
    return f"""\
    chain forward {{
        type filter hook forward priority filter; policy drop;
        # Where errors that say “too big” are lost on the way, TCP must know by itself.
        tcp flags syn tcp option maxseg size set rt mtu
        ct state established,related accept
        iifname "{UPLINK}" ip saddr {range_.host_end} accept
        iifname "{UPLINK}" ip6 saddr {range_.host_end6} accept
        iifname "{UPLINK}" drop
        oifname != "{UPLINK}" goto refused
        ip daddr @host goto refused
        ip6 daddr @host6 goto refused
        meta mark != @internet goto without_internet
        meta mark @listed ip daddr @private goto by_list
        meta mark @listed ip6 daddr @private6 goto by_list
        ip daddr {{ {NOT_INTERNET} }} goto refused
        ip6 daddr != {INTERNET6} goto refused
        ip6 daddr {{ {NOT_INTERNET6} }} goto refused
        meta mark @listed goto by_list
        goto begin
    }}
    # Names that a list holds are answered (names.py), and the answer opens their addresses here.
    chain by_list {{
        meta mark . ip daddr @open4 goto begin
        meta mark . ip6 daddr @open6 goto begin
        update @tried_unlisted {{ meta mark }}
        goto refused
    }}
    chain begin {{
        tcp dport 25 goto mail
        ct state new add @open {{ meta mark ct count over {connections} }} goto too_many
        ct state new update @begun {{ meta mark limit rate over {NEW_PER_SECOND}/second \
burst {NEW_AT_ONCE} packets }} goto too_many
        accept
    }}
"""


def _router_sets(
    range_: Range,
    host: list[IPv4Network | IPv6Network],
    homes: list[Home],
    internet: Iterable[int],
    listed: Listed,
    private: list[IPv4Network | IPv6Network],
) -> str:
    """What the router's chains look up, and where they count."""
    at_home = ", ".join(f"{_known(home, home.address)}" for home in homes)
    at_home6 = ", ".join(f"{_known(home, home.address6)}" for home in homes)
    open_: dict[int, list[str]] = {4: [], 6: []}
    for slot, address, seconds in listed.open:
        open_[address.version].append(_open(slot, address, seconds))
    return f"""\
    set range {{ type ipv4_addr; flags interval; {_elements([str(range_.v4)])} }}
    set host {{ type ipv4_addr; flags interval; {_elements(_merged(host, 4))} }}
    set host6 {{ type ipv6_addr; flags interval; {_elements(_merged(host, 6))} }}
    set internet {{ typeof meta mark; {_elements(map(str, internet))} }}
    set listed {{ typeof meta mark; {_elements(map(str, listed.slots))} }}
    set open4 {{ typeof meta mark . ip daddr; flags timeout; {_elements(open_[4])} }}
    set open6 {{ typeof meta mark . ip6 daddr; flags timeout; {_elements(open_[6])} }}
    set private {{ type ipv4_addr; flags interval; {_elements(_merged(private, 4))} }}
    set private6 {{ type ipv6_addr; flags interval; {_elements(_merged(private, 6))} }}
    map labs {{ typeof iif . ether saddr . ip saddr : meta mark; {_elements([at_home])} }}
    map labs6 {{ typeof iif . ether saddr . ip6 saddr : meta mark; {_elements([at_home6])} }}
    set tried_internet {{ typeof meta mark; size {_LABS}; flags dynamic; counter; }}
    set tried_mail {{ typeof meta mark; size {_LABS}; flags dynamic; counter; }}
    set tried_unlisted {{ typeof meta mark; size {_LABS}; flags dynamic; counter; }}
    set tried_connections {{ typeof meta mark; size {_LABS}; flags dynamic; counter; }}
    set open {{ typeof meta mark; size {_LABS}; flags dynamic; }}
    set carried {{ typeof meta mark; size {_LABS}; flags dynamic; }}
    set begun {{ typeof meta mark; size {_LABS}; flags dynamic; timeout 1m; }}
    set told {{ typeof meta mark; size {_LABS}; flags dynamic; timeout 1m; }}
    set pinged {{ typeof meta mark; size {_LABS}; flags dynamic; timeout 1m; }}
    set asked {{ typeof meta mark; size {_LABS}; flags dynamic; timeout 1m; }}
"""


def host_now(host: Iterable[IPv4Network | IPv6Network]) -> str:
    """Replace the addresses that mean the host."""
    host = list(host)
    return _refilled("host", _merged(host, 4)) + "\n" + _refilled("host6", _merged(host, 6))


def known(home: Home) -> str:
    """Let a lab be heard."""
    return f"""
add element {ROUTER_TABLE} labs {{ {_known(home, home.address)} }}
add element {ROUTER_TABLE} labs6 {{ {_known(home, home.address6)} }}
"""


def unknown(home: Home) -> str:
    """Let a lab be heard no more; it must have been `known`."""
    return f"""
delete element {ROUTER_TABLE} labs {{ {_key(home, home.address)} }}
delete element {ROUTER_TABLE} labs6 {{ {_key(home, home.address6)} }}
"""


def internet_for(slot: int, *, by_list: bool) -> str:
    """Let one lab leave the host, or go to listed names only."""
    listed = f"add element {ROUTER_TABLE} listed {{ {slot} }}\n" if by_list else ""
    return f"{listed}add element {ROUTER_TABLE} internet {{ {slot} }}\n"


def no_internet_for(slot: int, *, by_list: bool) -> str:
    """Take that right away; it must have it."""
    listed = f"delete element {ROUTER_TABLE} listed {{ {slot} }}\n" if by_list else ""
    return f"delete element {ROUTER_TABLE} internet {{ {slot} }}\n{listed}"


def opened(slot: int, addresses: Iterable[IPv4Address | IPv6Address], seconds: float) -> str:
    """Let a lab with a list reach addresses for a time, which begins anew where it ran already.

    Kernels before 6.12 leave the time of an element alone that is added again; deleted and added in
    one transaction it is never away.
    """
    return "".join(
        shut_again(slot, [address])
        + f"add element {_open_set(address)} {{ {_open(slot, address, seconds)} }}\n"
        for address in addresses
    )


def shut_again(slot: int, addresses: Iterable[IPv4Address | IPv6Address]) -> str:
    """Take addresses from a lab with a list, whether or not their time is over."""
    return "".join(
        f"add element {_open_set(address)} {{ {slot} . {address} timeout 1s }}\n"
        f"delete element {_open_set(address)} {{ {slot} . {address} }}\n"
        for address in addresses
    )


def host_table(name: str, uplink: str, range_: Range) -> str:
    """The host's table: mark what comes from the labs, and lend it the host's address.

    Without the mark an ip rule refuses it, so that after a flush nothing leaves unmasked. What
    comes back has the mark too: a host with `rp_filter` asks for each packet whether an answer
    would go as it came, and that question meets the same ip rules.
    """
    return f"""
add table {name}
delete table {name}
table {name} {{
    chain marked {{
        type filter hook prerouting priority mangle; policy accept;
        iifname "{uplink}" ip saddr {range_.v4} meta mark set {MARK:#x}
        iifname "{uplink}" ip6 saddr {range_.v6} meta mark set {MARK:#x}
    }}
    chain answers {{
        type filter hook prerouting priority filter; policy accept;
        iifname != "{uplink}" ip daddr {range_.v4} ct state established meta mark set {MARK:#x}
    }}
    chain masked {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname != "{uplink}" ip saddr {range_.v4} masquerade
        oifname != "{uplink}" ip6 saddr {range_.v6} masquerade
    }}
}}
"""


def accepted_in(chain: str, uplink: str, comment: str) -> str:
    """Let labs through a forward chain of somebody else's whose policy is to drop.

    An `accept` of ours can't overrule another table's `drop`, so it has to stand in that chain.
    Only in words that iptables-nft knows, or `iptables-save` calls the whole table incompatible (a
    `ct state` does that): so what may go to labs is left to the router, which lets nothing begin.
    """
    return f"""
insert rule {chain} iifname "{uplink}" accept comment "{comment}"
insert rule {chain} oifname "{uplink}" accept comment "{comment}"
"""


def _known(home: Home, address: IPv4Address | IPv6Address) -> str:
    return f"{_key(home, address)} : {home.slot}"


def _key(home: Home, address: IPv4Address | IPv6Address) -> str:
    return f"{home.index} . {home.mac} . {address}"


def _open_set(address: IPv4Address | IPv6Address) -> str:
    return f"{ROUTER_TABLE} open{address.version}"


def _open(slot: int, address: IPv4Address | IPv6Address, seconds: float) -> str:
    return f"{slot} . {address} timeout {max(1, round(seconds))}s"


def _refilled(name: str, members: list[str]) -> str:
    add = f"\nadd element {ROUTER_TABLE} {name} {{ {', '.join(members)} }}" if members else ""
    return f"flush set {ROUTER_TABLE} {name}{add}"


def _elements(members: Iterable[str]) -> str:
    listed = ", ".join(member for member in members if member)
    return f"elements = {{ {listed} }}" if listed else ""


def _merged(networks: Iterable[IPv4Network | IPv6Network], version: int) -> list[str]:
    """An interval set takes no overlaps, and 127.0.0.1 lies in 127.0.0.0/8."""
    same = [network for network in networks if network.version == version]
    return [str(network) for network in ipaddress.collapse_addresses(same)]  # type: ignore[type-var]
