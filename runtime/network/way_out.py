"""The way out of the host: mark, mask, forward. There only once a lab may take it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from runtime.network.rules import accepted_in, host_table

if TYPE_CHECKING:
    from ipaddress import IPv4Network

    from runtime.instance import Instance
    from runtime.network.side import Side

_FORWARDS = {"family": ("ip", "inet"), "hook": ("forward",), "policy": ("drop",)}


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
        self._table = f"slipway_{instance.id}"
        self._comment = f"slipway {instance.id}"
        self._forwarding_path = instance.run_path / "forwarding.json"

    def exists(self) -> bool:
        """Whether our table is on the host."""
        tables = [entry["table"] for entry in self._side.nft("list tables")]
        return any(table["name"] == self._table for table in tables)

    def open(self, range_: IPv4Network) -> None:
        """Let out what the router lets through; called again, it mends what somebody removed.

        Nothing that is there is written again: each change of ours wakes whoever watches for
        changes, this instance among them.
        """
        if not self.exists():
            self._side.nft(host_table(f"ip {self._table}", self._uplink, range_))
        for chain in dropping_chains(self._side.nft("list chains")):
            if not self._accepted_at(chain):
                self._side.nft(accepted_in(chain, self._uplink, self._comment))
        self._forward()

    def close(self) -> None:
        """Take it all back; what is gone already is no error."""
        if self.exists():
            self._side.nft(f"delete table ip {self._table}")
        for chain in dropping_chains(self._side.nft("list chains")):
            for handle in self._accepted_at(chain):
                self._side.nft(f"delete rule {chain} handle {handle}")
        self._stop_forwarding()

    def _accepted_at(self, chain: str) -> list[int]:
        """The handles of our rules in somebody else's chain."""
        rules = [
            entry["rule"] for entry in self._side.nft(f"list chain {chain}") if "rule" in entry
        ]
        return [rule["handle"] for rule in rules if rule.get("comment") == self._comment]

    def _forward(self) -> None:
        """Let the kernel forward, on the links concerned alone: a host is no router for others."""
        if self._forwards_everywhere():
            return
        links = [self._uplink, *(link.name for link in self._side.snapshot().ways_out())]
        switched = [name for name in links if self._side.sysctl(_forwarding(name)) == "0"]
        if switched:
            self._remember(sorted({*self._switched(), *switched}))
        for name in switched:
            self._side.set_sysctl(_forwarding(name), "1")

    def _stop_forwarding(self) -> None:
        """Switch off what `_forward` switched on, unless somebody wants it everywhere by now."""
        if not self._forwards_everywhere():
            present = {link.name for link in self._side.snapshot().links.values()}
            for name in present.intersection(self._switched()):
                self._side.set_sysctl(_forwarding(name), "0")
        self._forwarding_path.unlink(missing_ok=True)
        with suppress(OSError):  # others have files there, or it never was
            self._forwarding_path.parent.rmdir()

    def _forwards_everywhere(self) -> bool:
        return self._side.sysctl("ipv4/ip_forward") == "1"

    def _switched(self) -> list[str]:
        try:
            names: Any = json.loads(self._forwarding_path.read_text())
        except (OSError, ValueError):
            return []
        return [name for name in names if isinstance(name, str)]

    def _remember(self, names: list[str]) -> None:
        self._forwarding_path.parent.mkdir(parents=True, exist_ok=True)
        self._forwarding_path.write_text(json.dumps(names))


def dropping_chains(listed: list[dict[str, Any]]) -> list[str]:
    """Forward chains that drop what no rule in them accepts, such as docker's and ufw's.

    Args:
        listed: what nft answers to `list chains`.
    """
    return [
        f"{chain['family']} {chain['table']} {chain['name']}"
        for chain in (entry["chain"] for entry in listed if "chain" in entry)
        if all(chain.get(key) in allowed for key, allowed in _FORWARDS.items())
    ]


def _forwarding(link: str) -> str:
    return f"ipv4/conf/{link}/forwarding"
