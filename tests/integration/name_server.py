"""Name servers in one of the world's places: whatever answers there, and one that a test fills."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

if TYPE_CHECKING:
    from tests.integration.network_world import Place


class Port53:
    """Answers what it is asked on port 53, by packets and by connections, while it is entered.

    Args:
        place: where it listens.
        address: on which of its addresses.
    """

    def __init__(self, place: Place, address: str) -> None:
        self._place, self._address = place, address
        self._family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._packets = place.netns.run(socket.socket, self._family, socket.SOCK_DGRAM)
        self._packets.bind((address, 53))
        self._streams = place.netns.run(socket.socket, self._family, socket.SOCK_STREAM)
        self._streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._streams.bind((address, 53))
        self._streams.listen()
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._serve, self._serve_long)
        ]

    def said(self, packet: bytes) -> bytes:
        """The answer to a question."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._place.netns.run(socket.socket, self._family, socket.SOCK_DGRAM) as end:
            end.sendto(b"", (self._address, 53))
        with self._place.netns.run(socket.socket, self._family) as end:
            end.connect((self._address, 53))
        for thread in self._threads:
            thread.join()
        self._packets.close()
        self._streams.close()

    def _serve(self) -> None:
        while True:
            packet, asker = self._packets.recvfrom(4096)
            if not packet:
                return
            self._packets.sendto(self.said(packet), asker)

    def _serve_long(self) -> None:
        while True:
            stream, _ = self._streams.accept()
            with stream:
                packet = stream.recv(4096)
                if not packet:
                    return
                said = self.said(packet[2:])
                stream.sendall(len(said).to_bytes(2, "big") + said)


class NameServer(Port53):
    """Answers from a table, and notes what it was asked."""

    def __init__(self, place: Place, address: str) -> None:
        super().__init__(place, address)
        self.asked: list[str] = []
        self._records: list[dns.rrset.RRset] = []

    def has(self, name: str, *addresses: str, ttl: int = 300, alias: str = "") -> None:
        """Say from now on that a name has these addresses, or is another name's alias."""
        for kind, found in (
            ("A", [each for each in addresses if ":" not in each]),
            ("AAAA", [each for each in addresses if ":" in each]),
            ("CNAME", [f"{alias}."] if alias else []),
        ):
            if found:
                self._records.append(dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *found))

    def said(self, packet: bytes) -> bytes:
        """All records of the name, and of whatever it is an alias of; or all that there are."""
        question = dns.message.from_wire(packet)
        name, kind = question.question[0].name, question.question[0].rdtype
        self.asked.append(name.to_text(omit_final_dot=True))
        answer = dns.message.make_response(question, recursion_available=True)
        names = [name]
        for record in self._records:
            is_alias = record.rdtype == dns.rdatatype.CNAME
            if record.name in names and (is_alias or record.rdtype == kind):
                answer.answer.append(record)
            if record.name in names and is_alias:
                names.append(record[0].target)
            if record.name not in names:
                answer.additional.append(record)
        return answer.to_wire()
