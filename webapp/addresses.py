"""Addresses and networks, as they are set and as a connection shows them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


def networks(text: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, with commas or spaces between.

    Raises:
        ValueError: one of them is neither.
    """
    return [ip_network(word) for word in text.replace(",", " ").split()]


def own_form(text: str) -> IPv4Address | IPv6Address | None:
    """An address as people write it: one of IPv4 isn't dressed as IPv6; None where it is none."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed
