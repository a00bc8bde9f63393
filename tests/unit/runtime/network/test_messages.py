"""A lab's link is asked for in the same words that pyroute2's own request classes find."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

import pytest
from pyroute2 import IPBatch  # type: ignore[import-untyped]

from runtime.network import messages
from runtime.network.messages import End, Speed

if TYPE_CHECKING:
    from collections.abc import Callable

LAB, GATEWAY = IPv4Address("10.9.0.30"), IPv4Address("169.254.1.1")
LAB6, GATEWAY6 = IPv6Address("fd51::1e"), IPv6Address("fe80::1")
MAC = "02:00:0a:09:00:1e"
RATE, BURST, MTU = 12_500_000, 250_000, 1500
PEER = {"ifname": "eth0", "mtu": MTU, "address": MAC, "net_ns_fd": 7}

SAME: dict[str, tuple[bytes, Callable[[Any], object]]] = {
    "veth": (
        messages.veth(End("lab-x", MAC), 9, End("eth0", MAC), 7, MTU),
        lambda ask: ask.link(
            "add",
            ifname="lab-x",
            kind="veth",
            index=9,
            mtu=MTU,
            address=MAC,
            state="up",
            peer=PEER,
        ),
    ),
    "removal": (messages.removal("lab-x"), lambda ask: ask.link("del", ifname="lab-x")),
    "up": (messages.up(9), lambda ask: ask.link("set", index=9, state="up")),
    "address": (
        messages.address(9, GATEWAY, LAB),
        lambda ask: ask.addr("add", index=9, local=str(GATEWAY), address=str(LAB), prefixlen=32),
    ),
    "neighbour": (
        messages.neighbour(9, LAB, MAC),
        lambda ask: ask.neigh("add", ifindex=9, dst=str(LAB), lladdr=MAC, state="permanent"),
    ),
    "neighbour by IPv6": (
        messages.neighbour(9, LAB6, MAC),
        lambda ask: ask.neigh(
            "add", ifindex=9, dst=str(LAB6), lladdr=MAC, state="permanent", family=10
        ),
    ),
    "route": (
        messages.route_to(9, GATEWAY),
        lambda ask: ask.route("add", dst=f"{GATEWAY}/32", oif=9, scope="link"),
    ),
    "route by IPv6": (
        messages.route_to(9, LAB6),
        lambda ask: ask.route("add", dst=f"{LAB6}/128", oif=9, family=10),
    ),
    "default route": (
        messages.default_route(9, GATEWAY),
        lambda ask: ask.route("add", dst="default", gateway=str(GATEWAY), oif=9),
    ),
    "default route by IPv6": (
        messages.default_route(9, GATEWAY6),
        lambda ask: ask.route("add", dst="::/0", gateway=str(GATEWAY6), oif=9, family=10),
    ),
    "speed": (
        messages.limited(9, Speed(MTU, RATE)),
        lambda ask: ask.tc(
            "add", kind="tbf", index=9, handle=0x10000, rate=RATE, burst=BURST, latency="50ms"
        ),
    ),
}


def said(message: bytes) -> tuple[int, int, bytes]:
    """Type, flags and body; who asks and which request it is are the socket's."""
    length, kind, flags = struct.unpack_from("=IHH", message)
    return kind, flags, message[16:length]


@pytest.mark.parametrize("name", SAME)
def test_a_message_says_what_pyroute2_would(name: str) -> None:
    message, ask = SAME[name]
    with IPBatch() as requests:
        ask(requests)
        assert said(message) == said(bytes(requests.batch))
        assert len(message) % 4 == 0  # another may follow
