"""The way out of the host: mark, mask, forward. There only once a lab may take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.network.forwarding import Forwarding
from runtime.network.rules import accepted_in, host_table

if TYPE_CHECKING:
    from runtime.instance import Instance
    from runtime.network.addresses import Range
    from runtime.network.netlink import Snapshot
    from runtime.network.side import Side

_VERSIONS = {"ip": {4}, "ip6": {6}, "inet": {4, 6}}


class WayOut:
    """The host's nft table, a place in foreign forward chains, and forwarding.

    Args:
        side: the host's.
        instance: whose; the table and the comments carry its id.
        uplink: the link that labs come by.
    """

    def __init__(self, side: Side, instance: Instance, uplink: str) -> None:
        self._side = side
        self._uplink = uplink
        self._table = f"inet slipway_{instance.id}"
        self._comment = f"slipway {instance.id}"
        self._forwarding = Forwarding(side, instance, uplink)

    def exists(self) -> bool:
        """Whether our table is on the host."""
        tables = [entry["table"] for entry in self._side.nft("list tables")]
        return any(f"{table['family']} {table['name']}" == self._table for table in tables)

    def open(self, range_: Range, seen: Snapshot) -> None:
        """Let out what the router lets through; called again, it mends what somebody removed.

        Nothing that is there is written again: each change of ours wakes whoever watches for
        changes, this instance among them.

        Args:
            range_: the labs' addresses.
            seen: the host's links and routes.
        """
        if not self.exists():
            self._side.nft(host_table(self._table, self._uplink, range_))
        chains = dropping_chains(self._side.nft("list chains"))
        for chain in chains:
            if not self._accepted_at(chain):
                self._side.nft(accepted_in(chain, self._uplink, self._comment))
        self._forwarding.allow(range_, seen, _versions_of(chains))

    def close(self) -> None:
        """Take it all back; what is gone already is no error."""
        if self.exists():
            self._side.nft(f"delete table {self._table}")
        chains = dropping_chains(self._side.nft("list chains"))
        for chain in chains:
            for handle in self._accepted_at(chain):
                self._side.nft(f"delete rule {chain} handle {handle}")
        self._forwarding.stop(_versions_of(chains))

    def _accepted_at(self, chain: str) -> list[int]:
        """The handles of our rules in somebody else's chain."""
        rules = [
            entry["rule"] for entry in self._side.nft(f"list chain {chain}") if "rule" in entry
        ]
        return [rule["handle"] for rule in rules if rule.get("comment") == self._comment]


def dropping_chains(listed: list[dict[str, Any]]) -> list[str]:
    """Forward chains that drop what no rule in them accepts, such as docker's and ufw's.

    Args:
        listed: what nft answers to `list chains`.
    """
    return [
        f"{chain['family']} {chain['table']} {chain['name']}"
        for chain in (entry["chain"] for entry in listed if "chain" in entry)
        if chain.get("hook") == "forward"
        and chain.get("policy") == "drop"
        and chain["family"] in _VERSIONS
    ]


def _versions_of(chains: list[str]) -> set[int]:
    return set().union(*(_VERSIONS[chain.split()[0]] for chain in chains))
