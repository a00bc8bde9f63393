"""A learner's computer: a network namespace with one cable to the server's.

Browsers run in there for two reasons. It is what a class has: plain http at an address that isn't
the browser's own. And Chromium ends what it loads (ERR_NETWORK_CHANGED) when any link or address
appears in its network namespace, as they do here whenever another test starts an instance.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHROMIUM = "/usr/bin/chromium"
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737: nobody's
ROOMS_EACH = 64


@dataclass(frozen=True)
class Classroom:
    """Where a browser runs.

    Attributes:
        name: of the network namespace.
        near: the address of the server's end of the cable.
        link: the computer's end.
    """

    name: str
    near: str
    link: str

    @property
    def within(self) -> tuple[str, ...]:
        """The words before a command that is to run in here."""
        return "ip", "netns", "exec", self.name

    def set_cable(self, state: str) -> None:
        """Plug the computer's only cable out (`down`) or in (`up`)."""
        _ip("-n", self.name, "link", "set", self.link, state)

    def browser(self, folder: Path) -> str:
        """A program that starts Chromium in here."""
        path = folder / "chromium"
        path.write_text(f'#!/bin/sh\nexec {shlex.join(self.within)} {CHROMIUM} "$@"\n')
        path.chmod(0o755)
        return str(path)

    def lead_loopback_to(self, port: int) -> str:
        """Make the server answer at the browser's own 127.0.0.1 too; gives that address.

        There a browser allows what it keeps back from plain http elsewhere: a secure context.
        """
        rules = f"""table ip slipway_test {{
            chain out {{
                type nat hook output priority -100
                ip daddr 127.0.0.1 tcp dport {port} dnat to {self.near}:{port}
            }}
            chain post {{
                type nat hook postrouting priority 100
                ip daddr {self.near} masquerade
            }}
        }}"""
        self._run("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1")
        self._run("nft", "-f", "-", said=rules)
        return f"http://127.0.0.1:{port}"

    @contextmanager
    def silence(self) -> Iterator[None]:
        """A network that carries nothing for a while and says so to nobody: a cable, elsewhere."""
        chains = "\n".join(
            f"chain {way} {{ type filter hook {way} priority -200; policy drop; }}"
            for way in ("input", "output")
        )
        self._run("nft", "-f", "-", said=f"table inet slipway_silence {{\n{chains}\n}}\n")
        try:
            yield
        finally:
            self._run("nft", "delete", "table", "inet", "slipway_silence")

    def _run(self, *words: str, said: str = "") -> None:
        subprocess.run([*self.within, *words], input=said, text=True, check=True)


@contextmanager
def a_classroom() -> Iterator[Classroom]:
    """Make one, with a cable of its own, and take it down again."""
    name = f"slip-room-{os.getpid()}"
    _ip("netns", "add", name)
    try:
        network, last, near_link, far_link = _lay_cable(name)
        near, far = f"{network}.{last + 1}", f"{network}.{last + 2}"
        _ip("address", "add", f"{near}/30", "dev", near_link)
        _ip("link", "set", near_link, "up")
        _ip("-n", name, "address", "add", f"{far}/30", "dev", far_link)
        _ip("-n", name, "link", "set", far_link, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield Classroom(name, near, far_link)
    finally:
        _ip("netns", "delete", name)


def _lay_cable(name: str) -> tuple[str, int, str, str]:
    """A network that nobody has, what its addresses begin after, and both ends of a cable.

    Whoever makes the link of a network's name has it: two that begin at once find the same free.
    """
    begin = os.getpid()
    for room in range(begin, begin + len(NETWORKS) * ROOMS_EACH):
        number = room % (len(NETWORKS) * ROOMS_EACH) or 1  # not 192.0.2.1: tests call that nobody's
        network, last = NETWORKS[number // ROOMS_EACH], number % ROOMS_EACH * 4
        near_link, far_link = f"sr{number}a", f"sr{number}b"
        cable = ("link", "add", near_link, "type", "veth", "peer", "name", far_link, "netns", name)
        if not _is_near(f"{network}.{last + 1}") and _ip(*cable, check=False):
            return network, last, near_link, far_link
    raise AssertionError("no network is free for a classroom")


def _is_near(address: str) -> bool:
    """Whether a link of this machine leads there, and not only its way out."""
    asked = subprocess.run(
        ["ip", "route", "get", address], capture_output=True, text=True, check=False
    )
    return asked.returncode == 0 and " via " not in asked.stdout


def _ip(*words: str, check: bool = True) -> bool:
    return subprocess.run(["ip", *words], check=check).returncode == 0
