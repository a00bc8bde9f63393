"""Whether the kernel says by ICMP that nobody is there.

It sends that, and answers to pings, by one socket a processor (since Linux 5.18), which all
networks of the machine share. What of it waits in a queue, wherever that is, is missing everywhere.

Source: `icmp_init` and `icmp_xmit_lock` in the kernel's net/ipv4/icmp.c.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress

from runtime.kernel import rtnetlink
from runtime.kernel.netns import NetworkNamespace

_AT_ONCE = 8  # processors that are asked at a time
_PATIENCE_MS = 50  # where nothing is wrong the word is there when the question was sent
_PORT = 9  # nobody listens there
_LOOPBACK = 1  # its number in each network
_FAMILIES = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Answers:
    """Asks ports of nobody's, in a network of its own."""

    def __init__(self) -> None:
        self._home = NetworkNamespace.create()
        self._cpus: list[int] = []
        try:
            self._home.run(rtnetlink.switch, _LOOPBACK, on=True)
        except OSError:
            self.close()
            raise

    def are_heard(self) -> bool:
        """Whether they are, on the processors whose turn it is; takes some 0.1 ms each.

        Where they aren't, the same are asked the next time.
        """
        return self._home.run(self._ask)

    def close(self) -> None:
        """Ask no more."""
        self._home.close()

    def _ask(self) -> bool:
        usual = os.sched_getaffinity(0)  # of this thread, which lives in that network
        self._cpus = self._cpus or sorted(usual)
        now = self._cpus[:_AT_ONCE]
        try:
            are_heard = all(_is_refused(cpu, *where) for cpu in now for where in _FAMILIES)
        finally:
            os.sched_setaffinity(0, usual)
        if are_heard:
            self._cpus = self._cpus[_AT_ONCE:]
        return are_heard


def _is_refused(cpu: int, family: int, address: str) -> bool:
    with suppress(OSError):  # a processor that was taken away, or IPv6 that is switched off
        os.sched_setaffinity(0, {cpu})
        with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asking:
            asking.connect((address, _PORT))
            asking.send(b"")
            heard = select.poll()
            heard.register(asking, select.POLLERR)
            return bool(heard.poll(_PATIENCE_MS))
    return True
