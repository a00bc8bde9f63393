"""A name server that a test fills, in one of the world's places."""

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


class NameServer:
    """Answers from a table, by packets and by connections, and notes what it was asked.

    Args:
        place: where it listens.
        address: on port 53 of which.
    """

    def __init__(self, place: Place, address: str) -> None:
        self.asked: list[str] = []
        self._records: list[dns.rrset.RRset] = []
        self._place, self._address = place, address
        self._packets = place.netns.run(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        self._packets.bind((address, 53))
        self._streams = place.netns.run(socket.socket, socket.AF_INET, socket.SOCK_STREAM)
        self._streams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._streams.bind((address, 53))
        self._streams.listen()
        self._threads = [
            threading.Thread(target=each, daemon=True) for each in (self._serve, self._serve_long)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._place.netns.run(socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", (self._address, 53))
        with self._place.netns.run(socket.socket, socket.AF_INET) as end:
            end.connect((self._address, 53))
        for thread in self._threads:
            thread.join()
        self._packets.close()
        self._streams.close()

    def has(self, name: str, *addresses: str, ttl: int = 300, alias: str = "") -> None:
        """Say from now on that a name has these addresses, or is another name's alias."""
        for kind, found in (
            ("A", [each for each in addresses if ":" not in each]),
            ("AAAA", [each for each in addresses if ":" in each]),
            ("CNAME", [f"{alias}."] if alias else []),
        ):
            if found:
                self._records.append(dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *found))

    def _serve(self) -> None:
        while True:
            packet, asker = self._packets.recvfrom(4096)
            if not packet:
                return
            self._packets.sendto(self._said(packet), asker)

    def _serve_long(self) -> None:
        while True:
            stream, _ = self._streams.accept()
            with stream:
                packet = stream.recv(4096)
                if not packet:
                    return
                said = self._said(packet[2:])
                stream.sendall(len(said).to_bytes(2, "big") + said)

    def _said(self, packet: bytes) -> bytes:
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
