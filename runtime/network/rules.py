"""The two nft tables, as an auditor reads them: the walls in the router, the way out on the host.

Pure text: nothing here talks to the kernel.
"""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from runtime.network.addresses import host_end

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Network

GATEWAY = IPv4Address("169.254.1.1")
UPLINK = "uplink"
ROUTER_TABLE = "inet slipway"
MARK = 0x511D0A

# Not the internet: private, shared and link-local ranges (cloud metadata is in 169.254/16), other
# special ones of RFC 6890, multicast and reserved.
NOT_INTERNET = (
    "0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
    "192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/4, 240.0.0.0/4"
)


def router_table(
    range_: IPv4Network, host: Iterable[IPv4Network], internet: Iterable[IPv4Address]
) -> str:
    """Replace the router's whole table in one transaction; open connections live on.

    IPv6 is shut by having no rule: the first chain lets IPv4 alone through.

    Args:
        range_: the labs' addresses and the uplink's two ends (`addresses.host_end`).
        host: addresses that mean the host itself.
        internet: the labs that may leave the host.
    """
    return f"""
add table {ROUTER_TABLE}
delete table {ROUTER_TABLE}
table {ROUTER_TABLE} {{
    set range {{ type ipv4_addr; flags interval; {_elements([range_])} }}
    set host {{ type ipv4_addr; flags interval; {_elements(_merged(host))} }}
    set resolvers {{ type ipv4_addr; }}
    set internet {{ type ipv4_addr; {_elements(internet)} }}
    set not_internet {{ type ipv4_addr; flags interval; elements = {{ {NOT_INTERNET} }} }}

    # A packet must come from where one to its source would go: no lab can speak as another.
    chain spoofed {{
        type filter hook prerouting priority raw; policy drop;
        iifname "lo" accept
        meta nfproto ipv4 fib saddr . iif oif exists accept
    }}
    chain input {{
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        iifname "lo" accept
        ip daddr {GATEWAY} icmp type echo-request accept
        goto refused
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        iifname "{UPLINK}" ip saddr {host_end(range_)} accept
        iifname "{UPLINK}" drop
        oifname != "{UPLINK}" goto refused
        ip saddr @internet ip daddr @resolvers meta l4proto {{ tcp, udp }} th dport 53 accept
        ip daddr @host goto refused
        ip daddr @not_internet goto refused
        ip saddr != @internet goto refused
        tcp dport 25 goto refused
        accept
    }}
    # At once, not by a timeout: a learner sees that it is shut, and not that it is slow.
    chain refused {{
        meta l4proto tcp reject with tcp reset
        reject with icmpx type admin-prohibited
    }}
}}
"""


def host_now(host: Iterable[IPv4Network]) -> str:
    """Replace the addresses that mean the host."""
    return _refilled("host", _merged(host))


def resolvers_now(resolvers: Iterable[IPv4Address]) -> str:
    """Replace the resolvers that labs with internet may ask."""
    return _refilled("resolvers", resolvers)


def internet_for(address: IPv4Address) -> str:
    """Let one lab leave the host."""
    return f"add element {ROUTER_TABLE} internet {{ {address} }}"


def no_internet_for(address: IPv4Address) -> str:
    """Take that right away; it must have it."""
    return f"delete element {ROUTER_TABLE} internet {{ {address} }}"


def host_table(name: str, uplink: str, range_: IPv4Network) -> str:
    """The host's table: mark what comes from the labs, and lend it the host's address.

    Without the mark an ip rule refuses it, so that after a flush nothing leaves unmasked.
    """
    return f"""
add table {name}
delete table {name}
table {name} {{
    chain marked {{
        type filter hook prerouting priority mangle; policy accept;
        iifname "{uplink}" ip saddr {range_} meta mark set {MARK:#x}
    }}
    chain masked {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname != "{uplink}" ip saddr {range_} masquerade
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


def _refilled(name: str, members: Iterable[IPv4Network | IPv4Address]) -> str:
    added = ", ".join(map(str, members))
    add = f"\nadd element {ROUTER_TABLE} {name} {{ {added} }}" if added else ""
    return f"flush set {ROUTER_TABLE} {name}{add}"


def _elements(members: Iterable[IPv4Network | IPv4Address]) -> str:
    listed = ", ".join(map(str, members))
    return f"elements = {{ {listed} }}" if listed else ""


def _merged(networks: Iterable[IPv4Network]) -> list[IPv4Network]:
    """An interval set takes no overlaps, and 127.0.0.1 lies in 127.0.0.0/8."""
    return list(ipaddress.collapse_addresses(networks))
