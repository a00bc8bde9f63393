"""What a lab asks and what it is answered, read from any bytes."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.network import lookups
from runtime.network.allowed import LEAST_S, MOST_S, lasting_s


def question(name: str = "listed.example", kind: str = "A") -> bytes:
    asked = lookups.read(dns.message.make_query(name, kind).to_wire())
    assert asked is not None
    return asked.packet()


def answer(to: bytes, *records: str) -> bytes:
    said = dns.message.make_response(dns.message.from_wire(to))
    for name, ttl, kind, value in (each.split() for each in records):
        said.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
    return said.to_wire()


def test_an_answer_opens_the_addresses_of_the_name_for_the_least_of_their_times() -> None:
    asked = question()
    said = answer(
        asked,
        "listed.example. 5000 CNAME cdn.example.",
        "cdn.example. 3000 A 198.51.100.7",
        "other.example. 9000 A 198.51.100.8",
    )
    found = lookups.answered(asked, said)
    assert found is not None
    assert [str(each) for each in found[0]] == ["198.51.100.7"]
    assert found[1] == 3000


def test_an_answer_to_another_question_or_number_is_none() -> None:
    asked = question()
    other = asked[:2] + question("other.example")[2:]
    said = answer(other, "other.example. 300 A 198.51.100.8")
    assert lookups.answered(asked, said) is None
    right = answer(asked, "listed.example. 300 A 198.51.100.8")
    assert lookups.answered(asked, bytes([right[0] ^ 1]) + right[1:]) is None


@pytest.mark.parametrize(("ttl", "seconds"), [(0, LEAST_S), (600, 600), (1 << 31, MOST_S)])
def test_an_address_is_open_neither_too_shortly_nor_for_good(ttl: int, seconds: int) -> None:
    assert lasting_s(ttl) == seconds


def test_what_is_asked_is_written_anew_without_what_else_a_lab_sent() -> None:
    sent = dns.message.make_query("listed.example", "A", use_edns=0, payload=4096)
    sent.use_edns(
        0, options=[dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"hello to a resolver")]
    )
    asked = lookups.read(sent.to_wire())
    assert asked is not None
    assert b"hello" not in asked.packet()
    assert asked.labels == (b"listed", b"example")


@given(st.binary(max_size=600))
def test_any_bytes_of_a_lab_are_a_question_or_none(packet: bytes) -> None:
    asked = lookups.read(packet)
    if asked is not None:
        assert asked.packet()
        assert asked.refused("no")


@given(st.data())
def test_any_bytes_of_a_resolver_are_an_answer_or_none(data: st.DataObject) -> None:
    asked = question()
    said = bytearray(answer(asked, "listed.example. 300 A 198.51.100.7"))
    for at in data.draw(st.lists(st.integers(2, len(said) - 1), max_size=6)):
        said[at] = data.draw(st.integers(0, 255))
    found = lookups.answered(asked, bytes(said))
    assert found is None or found[1] in {0, *range(LEAST_S, MOST_S + 1)}
