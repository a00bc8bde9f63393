"""The way out of the host: mark, mask, forward. There only once a lab may take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.network.firewalls import Firewalls
from runtime.network.forwarding import Forwarding
from runtime.network.rules import host_table

if TYPE_CHECKING:
    from runtime.instance import Instance
    from runtime.network.addresses import Range
    from runtime.network.netlink import Snapshot
    from runtime.network.side import Side


class WayOut:
    """The host's nft table, a place in others' firewalls, and forwarding.

    Args:
        side: the host's.
        instance: whose; the table and the comments carry its id.
        uplink: the link that labs come by.
    """

    def __init__(self, side: Side, instance: Instance, uplink: str) -> None:
        self._side = side
        self._uplink = uplink
        self._table = f"inet slipway_{instance.id}"
        self._firewalls = Firewalls(side, uplink, f"slipway {instance.id}")
        self._forwarding = Forwarding(side, instance, uplink)
        self._written: list[dict[str, Any]] = []

    def exists(self) -> bool:
        """Whether our table is on the host."""
        # By its chains: libnftables before 1.1 writes no JSON of tables that somebody locked.
        listed = self._side.nft("list chains")
        chains = [entry["chain"] for entry in listed if "chain" in entry]
        return any(f"{chain['family']} {chain['table']}" == self._table for chain in chains)

    def open(self, range_: Range, seen: Snapshot) -> None:
        """Let out what the router lets through; called again, it mends what somebody removed.

        Nothing that is there is written again: each change of ours wakes whoever watches for
        changes, this instance among them.

        Args:
            range_: the labs' addresses.
            seen: the host's links and routes.
        """
        if not self._stands():
            self._side.nft(host_table(self._table, self._uplink, range_))
            self._written = self._rules()
        self._firewalls.open()
        self._forwarding.allow(range_, seen)

    def is_open(self) -> bool:
        """Whether table, firewalls and links let labs out; a look that costs 1 ms.

        Changes that the kernel tells of needn't be looked for: foreign chains of nft's aren't.
        """
        return self._stands() and self._firewalls.is_open() and self._forwarding.heeds_marks()

    def _stands(self) -> bool:
        """Whether our table is as it was written, since one can be emptied and left there."""
        return bool(self._written) and self._rules() == self._written

    def _rules(self) -> list[dict[str, Any]]:
        """Those of our table, without the numbers that the kernel gives them."""
        try:
            listed = self._side.nft(f"list table {self._table}")
        except OSError:  # it is gone
            return []
        rules = [entry["rule"] for entry in listed if "rule" in entry]
        return [{key: rule[key] for key in rule.keys() - {"handle"}} for rule in rules]

    def locked(self) -> set[str]:
        """Chains of others that refuse labs, and can't be written."""
        return self._firewalls.locked

    def close(self) -> None:
        """Take it all back; what is gone already is no error."""
        if self.exists():
            self._side.nft(f"delete table {self._table}")
        self._firewalls.close()
        self._forwarding.stop()
