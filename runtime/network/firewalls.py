"""Forward chains of other firewalls (docker's, ufw's, an administrator's), and a place in them.

An `accept` in our own table can't overrule another's `drop`, so labs are let through where packets
that nobody knows are refused; nowhere else is a foreign chain touched.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from runtime.network import legacy
from runtime.network.rules import accepted_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.network.side import Side

log = structlog.get_logger()

_FAMILIES = {"ip", "ip6", "inet"}
_SAYS_NOTHING = {"counter", "log", "comment"}
_REFUSALS = {"drop", "reject"}


@dataclass(frozen=True)
class Chain:
    """A forward chain of nft's.

    Attributes:
        name: family, table and chain.
        rules: as libnftables-json(5) has them.
        refuses: whether what no rule accepts is refused.
    """

    name: str
    rules: list[dict[str, Any]]
    refuses: bool

    def handles(self, comment: str) -> list[int]:
        """The rules in it with a comment of ours."""
        return [rule["handle"] for rule in self.rules if rule.get("comment") == comment]


def forward_chains(nft: Callable[[str], list[dict[str, Any]]]) -> list[Chain]:
    """Every forward chain that nft knows.

    Args:
        nft: runs commands and gives what `list` found.
    """
    heads = [entry["chain"] for entry in nft("list chains") if "chain" in entry]
    return [
        _chain(head, nft)
        for head in heads
        if head.get("hook") == "forward" and head["family"] in _FAMILIES
    ]


def refusing(nft: Callable[[str], list[dict[str, Any]]]) -> list[str]:
    """The names of all forward chains that refuse, those of the older tables too.

    Raises:
        OSError: the program that reads the older tables isn't installed.
    """
    found = [chain.name for chain in forward_chains(nft) if chain.refuses]
    older = [each for each in legacy.versions() if legacy.refuses(legacy.listed(each))]
    return found + [legacy.name(version) for version in older]


class Firewalls:
    """Our rules in the chains of others.

    Attributes:
        locked: chains that refuse labs, and can't be written.

    Args:
        side: the host's.
        uplink: the link that labs come by.
        comment: by which our rules are known.
    """

    def __init__(self, side: Side, uplink: str, comment: str) -> None:
        self._side = side
        self._uplink = uplink
        self._comment = comment
        self.locked: set[str] = set()

    def open(self) -> None:
        """Let labs through where that is needed; what is there isn't written again.

        A chain that can't be written (firewalld may lock its own) is logged once: then the labs'
        internet is what its owner makes of it.
        """
        chains = [chain for chain in forward_chains(self._side.nft) if chain.refuses]
        locked = {
            chain.name
            for chain in chains
            if not chain.handles(self._comment) and not self._let_through(chain)
        }
        self._open_older(locked)
        for name in locked - self.locked:
            log.warning("network.firewall_locked", chain=name)
        self.locked = locked

    def is_open(self) -> bool:
        """Whether nothing changed that nobody is told of.

        That is the older tables, and a locked one, which goes in silence with its owner.
        """
        return not self._is_unlocked() and not any(
            legacy.name(version) not in self.locked and not self._stands(version)
            for version in self._older()
        )

    def close(self) -> None:
        """Take our rules back, wherever they are; what is gone already is no error."""
        for chain in forward_chains(self._side.nft):
            for handle in chain.handles(self._comment):
                self._side.nft(f"delete rule {chain.name} handle {handle}")
        for version in self._older():
            with suppress(OSError):  # it couldn't be written either
                found = legacy.ours(self._side.netns.run(legacy.listed, version), self._comment)
                self._side.netns.run(legacy.take_back, version, found)

    def _is_unlocked(self) -> bool:
        if not self.locked:
            return False
        refusing = {chain.name for chain in forward_chains(self._side.nft) if chain.refuses}
        older = {legacy.name(version) for version in self._older()}
        return not self.locked <= refusing | older

    def _let_through(self, chain: Chain) -> bool:
        try:
            self._side.nft(accepted_in(chain.name, self._uplink, self._comment))
        except OSError:
            return False
        return True

    def _open_older(self, locked: set[str]) -> None:
        for version in self._older():
            try:
                lines = self._side.netns.run(legacy.listed, version)
                if legacy.refuses(lines) and not legacy.ours(lines, self._comment):
                    self._side.netns.run(legacy.let_through, version, self._uplink, self._comment)
            except OSError:
                locked.add(legacy.name(version))

    def _stands(self, version: int) -> bool:
        lines = self._side.netns.run(legacy.listed, version)
        return not legacy.refuses(lines) or bool(legacy.ours(lines, self._comment))

    def _older(self) -> list[int]:
        return self._side.netns.run(legacy.versions)


def _chain(head: dict[str, Any], nft: Callable[[str], list[dict[str, Any]]]) -> Chain:
    name = f"{head['family']} {head['table']} {head['name']}"
    rules = [entry["rule"] for entry in nft(f"list chain {name}") if "rule" in entry]
    by_policy = head.get("policy") == "drop"
    by_last = bool(rules) and _refuses_everything(rules[-1])
    return Chain(name, rules, by_policy or by_last)


def _refuses_everything(rule: dict[str, Any]) -> bool:
    said = [one for statement in rule["expr"] for one in statement.items()]
    does = [one for one in said if one[0] not in _SAYS_NOTHING]
    return bool(does) and all(_is_refusal(key, value) for key, value in does)


def _is_refusal(key: str, value: Any) -> bool:  # noqa: ANN401 - JSON
    """`drop` or `reject`; iptables before 1.8.10 leaves its REJECT in a word of its own."""
    return key in _REFUSALS or (key == "xt" and value.get("name") == "REJECT")
