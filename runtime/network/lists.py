"""Labs that reach listed names only: who may ask for what, and what the answers open.

An answer's addresses are let through before the lab hears of them, so that whoever connects at
once finds the way open.
"""

from __future__ import annotations

import importlib
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from runtime.network.allowed import NAME, AllowList, is_internet

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    from runtime.network.lookups import Asked

_WHY = "not on your workshop's list of names"


class Ruling(NamedTuple):
    """What becomes of a lab's question: it is asked, or it has its answer already.

    Attributes:
        question: for a resolver, where there is no answer.
        answer: for the lab.
    """

    question: bytes = b""
    answer: bytes = b""


class Lists:
    """The lists of all labs that have one; thread-safe.

    Args:
        open_for: lets a lab (by its IPv4 address) reach addresses for so many seconds.
        private: networks beside the internet to which names may lead.
    """

    def __init__(
        self,
        open_for: Callable[[str, list[IPv4Address | IPv6Address], int], None],
        private: Collection[IPv4Network | IPv6Network] = (),
    ) -> None:
        self._open_for = open_for
        self._private = private
        self._lists: dict[str, AllowList] = {}
        self._refused: Counter[str] = Counter()
        self._last: dict[str, str] = {}
        self._lock = threading.Lock()

    def set(self, lab: str, names: Iterable[str]) -> None:
        """Let a lab ask for these names and no others."""
        importlib.import_module("runtime.network.lookups")  # not while a question waits
        with self._lock:
            self._lists[lab] = AllowList(names)

    def forget(self, lab: str) -> None:
        """The lab has no list, or is gone."""
        with self._lock:
            self._lists.pop(lab, None)
            self._refused.pop(lab, None)
            self._last.pop(lab, None)

    def refused(self, lab: str) -> int:
        """How often a lab was refused a name."""
        with self._lock:
            return self._refused[lab]

    def take_refused_name(self, lab: str) -> str:
        """The last one, told once; empty where there is none that anybody can be shown."""
        with self._lock:
            return self._last.pop(lab, "")

    def judge(self, lab: str, packet: bytes) -> Ruling:
        """Whether a question may be asked, and how."""
        with self._lock:
            names = self._lists.get(lab)
        if names is None:
            return Ruling(packet)
        from runtime.network import lookups  # noqa: PLC0415 - 13 MB, for who has such labs

        asked = lookups.read(packet)
        if asked is None:
            return Ruling(answer=lookups.not_understood(packet))
        if not names.allows(asked.labels):
            self._count(lab, asked)
            return Ruling(answer=asked.refused(_WHY))
        return Ruling(asked.packet())

    def learn(self, lab: str, question: bytes, answer: bytes) -> bool:
        """Open what an answer tells; False where it is no answer to that question.

        Addresses that aren't of the internet are answered, and refused by the walls, unless the
        operator names their network: whoever owns a name may say that it is a machine in here.
        """
        with self._lock:
            is_listed = lab in self._lists
        if not is_listed:
            return True
        from runtime.network import lookups  # noqa: PLC0415 - as above

        found = lookups.answered(question, answer)
        if found is None:
            return False
        addresses, seconds = found
        if outside := [each for each in addresses if is_internet(each) or self._leads_to(each)]:
            self._open_for(lab, outside, seconds)
        return True

    def _leads_to(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._private)

    def _count(self, lab: str, asked: Asked) -> None:
        """What programs ask for beside addresses (services, who an address is) is no news."""
        if not asked.is_for_address:
            return
        name = b".".join(asked.labels).decode(errors="replace")
        with self._lock:
            self._refused[lab] += 1
            self._last[lab] = name if re.fullmatch(NAME, name) else ""
