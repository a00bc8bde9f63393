"""One lookup of a lab that has a list: what is asked, and what was answered, as DNS has it.

Nothing that a lab wrote is passed on: the question is read and written anew, so that the resolver
can't read another name in it than we do. dnspython takes 13 MB and a tenth of a second to load, so
this module is loaded with the first such lab.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from runtime.network.allowed import Labels, lasting_s

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

QUESTION_MOST_BYTES = 512
_PAYLOAD_BYTES = 1232
_OF_ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)


@dataclass(frozen=True)
class Asked:
    """A question that can be answered or refused.

    Attributes:
        labels: of the name, in lower case.
        is_for_address: whether an address is wanted, so that a person may wait for it.
    """

    labels: Labels
    is_for_address: bool
    _message: dns.message.Message

    def packet(self) -> bytes:
        """The question as a resolver gets it; the first two bytes are its number."""
        (question,) = self._message.question
        edns = 0 if self._message.edns >= 0 else -1
        asked = dns.message.make_query(
            question.name, question.rdtype, use_edns=edns, payload=_PAYLOAD_BYTES
        )
        return asked.to_wire()

    def refused(self, why: str) -> bytes:
        """The answer that there is no such name; `why` is told to who understands that (RFC 8914).

        Programs believe it at once, where after a refusal some wait for their time to be over.
        """
        answer = dns.message.make_response(self._message, recursion_available=True)
        answer.set_rcode(dns.rcode.NXDOMAIN)
        if self._message.edns >= 0:
            reason = dns.edns.EDEOption(dns.edns.EDECode.FILTERED, why)
            answer.use_edns(0, payload=_PAYLOAD_BYTES, options=[reason])
        return answer.to_wire()


def read(packet: bytes) -> Asked | None:
    """What a lab asks; None where it isn't one plain question for one name of the internet."""
    if len(packet) > QUESTION_MOST_BYTES:
        return None
    try:
        message = dns.message.from_wire(packet)
    except (dns.exception.DNSException, ValueError):
        return None
    is_plain = (
        message.opcode() == dns.opcode.QUERY
        and len(message.question) == 1
        and message.question[0].rdclass == dns.rdataclass.IN
        and not message.answer
        and not message.authority
        and not message.additional
    )
    if not is_plain:
        return None
    (question,) = message.question
    labels = tuple(label.lower() for label in question.name.labels[:-1])
    return Asked(labels, question.rdtype in _OF_ADDRESSES, message)


def not_understood(packet: bytes) -> bytes:
    """The answer to what isn't a question (FORMERR); it repeats none of it but its number."""
    return packet[:2] + b"\x81\x81" + bytes(8)


def answered(question: bytes, answer: bytes) -> tuple[list[IPv4Address | IPv6Address], int] | None:
    """The addresses that an answer gives the name that was asked for, and for how long (s).

    Aliases are followed as far as the answer itself has them; whatever else it says of other
    names doesn't count.

    Returns:
        None where it is no answer to this question.
    """
    try:
        asked = dns.message.from_wire(question)
        said = dns.message.from_wire(answer, ignore_trailing=True)
        if not asked.is_response(said) or not isinstance(said, dns.message.QueryMessage):
            return None
        found = said.resolve_chaining()
    except dns.message.AnswerForNXDOMAIN:
        return [], 0
    except (dns.exception.DNSException, ValueError):
        return None
    if found.answer is None or found.answer.rdtype not in _OF_ADDRESSES:
        return [], 0
    addresses = [ipaddress.ip_address(record.address) for record in found.answer]
    return addresses, lasting_s(found.minimum_ttl)
