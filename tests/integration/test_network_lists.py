"""Labs that reach listed names only, and how they try for more."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import dns.edns
import dns.message
import dns.name
import dns.rcode
import pytest

from runtime.network import allowed
from runtime.network.router import Share
from runtime.network.rules import ROUTER_TABLE
from tests.integration.name_server import NameServer
from tests.integration.network_world import (
    HOST,
    HOST6,
    PRIVATE,
    PRIVATE6,
    SOMEWHERE,
    SOMEWHERE6,
    Place,
)
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.network.router import Router
    from tests.integration.network_world import World

GATEWAY = "169.254.1.1"
SERVER = "10.9.9.9"
ELSEWHERE, ELSEWHERE6 = "198.51.100.8", "2a00:5119::8"
NAMES = ("listed.example", "*.below.example")


class School:
    """A lab with a list, whose host asks a name server that the test fills."""

    def __init__(self, world: World, names: NameServer) -> None:
        self.world, self.names = world, names
        self.router: Router = world.router()
        self.lab = world.place()
        self.router.attach("aaaaaaaa", self.lab.netns.fd, internet=True, allowed=NAMES)
        for address in (ELSEWHERE, ELSEWHERE6):
            world.outside.take(address, "lo")

    def opened(self) -> str:
        return self.router._walls.side.netns.run(_listed)


def _listed() -> str:
    sets = [["nft", "list", "set", *ROUTER_TABLE.split(), f"open{which}"] for which in (4, 6)]
    return "".join(
        subprocess.run(each, check=True, capture_output=True, text=True).stdout for each in sets
    )


@pytest.fixture
def school(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[School]:
    monkeypatch.setattr("runtime.network.names.resolvers", lambda: [SERVER])
    with NameServer(world.outside, SERVER) as names:
        yield School(world, names)


def look_up(lab: Place, name: str, kind: str = "A", *, at_length: bool = False) -> list[str]:
    """The addresses that a lab is told; none where there is no such name."""
    said = ask(lab, dns.message.make_query(name, kind).to_wire(), at_length=at_length)
    return sorted(
        record.address
        for answer in said.answer
        for record in answer
        if answer.rdtype == said.question[0].rdtype
    )


def ask(lab: Place, packet: bytes, *, at_length: bool = False) -> dns.message.Message:
    if at_length:
        with lab.connects(GATEWAY, 53) as client:
            client.sendall(len(packet).to_bytes(2, "big") + packet)
            return dns.message.from_wire(client.recv(4096)[2:])
    return dns.message.from_wire(lab.asks(packet, GATEWAY))


@pytest.mark.parametrize("at_length", [False, True])
def test_a_listed_name_is_answered_and_its_address_is_open(school: School, at_length: bool) -> None:
    school.names.has("listed.example", SOMEWHERE, SOMEWHERE6)
    for address, kind in ((SOMEWHERE, "A"), (SOMEWHERE6, "AAAA")):
        assert school.lab.reaches(address) == "refused"
        assert look_up(school.lab, "Listed.Example", kind, at_length=at_length) == [address]
        assert school.lab.reaches(address) == "open"
    assert len(school.router.open_to("aaaaaaaa")) == 2


def test_names_below_a_star_are_answered_and_the_one_above_is_not(school: School) -> None:
    for name in ("a.below.example", "c.b.below.example", "below.example", "unbelow.example"):
        school.names.has(name, SOMEWHERE)
        expected = [SOMEWHERE] if name.endswith(".below.example") else []
        assert look_up(school.lab, name) == expected


@pytest.mark.parametrize("at_length", [False, True])
def test_another_name_is_refused_at_once_with_the_reason(school: School, at_length: bool) -> None:
    school.names.has("other.example", SOMEWHERE)
    question = dns.message.make_query("other.example", "A", use_edns=0).to_wire()
    said = ask(school.lab, question, at_length=at_length)
    assert said.rcode() == dns.rcode.NXDOMAIN
    assert "not on your workshop's list" in str(said.options[0])
    assert school.names.asked == []
    assert school.router.refusals()["aaaaaaaa"].unlisted >= 1
    assert school.router.take_refused_name("aaaaaaaa") == "other.example"


def test_a_label_with_a_dot_in_it_passes_for_no_name_below(school: School) -> None:
    name = dns.name.Name([b"evil.below", b"example", b""])
    assert ask(school.lab, dns.message.make_query(name, "A").to_wire()).rcode() == (
        dns.rcode.NXDOMAIN
    )
    assert school.names.asked == []


def test_what_is_no_question_is_not_passed_on(school: School) -> None:
    two = dns.message.make_query("listed.example", "A")
    two.question.append(dns.message.make_query("other.example", "A").question[0])
    said = ask(school.lab, two.to_wire())
    assert said.rcode() == dns.rcode.FORMERR
    assert school.names.asked == []


@pytest.mark.kernel
def test_an_address_that_no_name_gave_is_refused(school: School) -> None:
    for count, address in enumerate((SOMEWHERE, SOMEWHERE6), 1):
        assert school.lab.reaches(address) == "refused"
        assert school.router.refusals()["aaaaaaaa"].unlisted >= count


def test_no_other_resolver_answers_on_whatever_port(school: School) -> None:
    school.world.outside.listens(53, SOMEWHERE6)
    assert school.lab.reaches(SOMEWHERE6, 53) == "refused"
    for port in (853, 5353, 443):
        school.world.outside.listens(port)
        for address in (SOMEWHERE, SOMEWHERE6):
            assert school.lab.reaches(address, port) == "refused"
    heard = school.world.outside.hears(5353)
    with pytest.raises(OSError, match="No route to host"):
        school.lab.asks(dns.message.make_query("other.example", "A").to_wire(), SOMEWHERE, 5353)
    heard.setblocking(False)
    with pytest.raises(BlockingIOError):
        heard.recv(64)


def test_an_address_is_shut_when_its_time_is_over(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    school.names.has("listed.example", SOMEWHERE, ttl=1)
    look_up(school.lab, "listed.example")
    going_on = school.lab.connects(SOMEWHERE)
    monkeypatch.setattr(allowed, "LEAST_S", 1)
    look_up(school.lab, "listed.example")
    wait_for(lambda: school.lab.reaches(SOMEWHERE) == "refused", "the address is shut")
    going_on.send(b"goes on")
    wait_for(lambda: not school.router.open_to("aaaaaaaa"), "our own record to be over, too")


def test_asked_again_an_address_stays_open_for_its_time_anew(school: School) -> None:
    school.names.has("listed.example", SOMEWHERE, ttl=600)
    school.names.has("a.below.example", SOMEWHERE, ttl=1000)
    look_up(school.lab, "listed.example")
    assert "timeout 10m " in school.opened()
    look_up(school.lab, "a.below.example")
    assert "timeout 16m40s " in school.opened()
    assert "timeout 10m " not in school.opened()


def test_a_listed_name_that_says_a_private_address_opens_nothing(school: School) -> None:
    near = (*PRIVATE, HOST, *PRIVATE6, HOST6)
    school.names.has("listed.example", SOMEWHERE, *near)
    look_up(school.lab, "listed.example")
    look_up(school.lab, "listed.example", "AAAA")
    assert school.lab.reaches(SOMEWHERE) == "open"
    for address in near:
        assert school.lab.reaches(address) == "refused"
    # The host's own are of the internet, and refused for another reason.
    assert {str(each) for each in school.router.open_to("aaaaaaaa")} == {SOMEWHERE, HOST, HOST6}


def test_a_listed_name_leads_to_a_private_network_that_the_operator_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.network.names.resolvers", lambda: [SERVER])
    share = Share(private=allowed.private_networks("10.9.9.9/32, fd00:9::/64"))
    router, listed, other = world.router(share=share), world.place(), world.place()
    router.attach("aaaaaaaa", listed.netns.fd, internet=True, allowed=NAMES)
    router.attach("bbbbbbbb", other.netns.fd, internet=True)
    with NameServer(world.outside, SERVER) as names:
        names.has("listed.example", *PRIVATE, *PRIVATE6)
        assert listed.reaches("10.9.9.9") == "refused"
        look_up(listed, "listed.example")
        look_up(listed, "listed.example", "AAAA")
    for address in (*PRIVATE, *PRIVATE6):
        expected = "open" if address in {"10.9.9.9", "fd00:9::9"} else "refused"
        assert listed.reaches(address) == expected
        assert other.reaches(address) == "refused"


def test_aliases_are_followed_and_whatever_else_is_said_opens_nothing(school: School) -> None:
    school.names.has("listed.example", alias="cdn.example")
    school.names.has("cdn.example", SOMEWHERE)
    school.names.has("other.example", ELSEWHERE)
    assert look_up(school.lab, "listed.example") == [SOMEWHERE]
    assert school.lab.reaches(SOMEWHERE) == "open"
    assert school.lab.reaches(ELSEWHERE) == "refused"


def test_what_one_lab_was_told_opens_nothing_for_its_neighbour(school: School) -> None:
    school.names.has("listed.example", SOMEWHERE)
    neighbour = school.world.place()
    school.router.attach("bbbbbbbb", neighbour.netns.fd, internet=True, allowed=("other.example",))
    look_up(school.lab, "listed.example")
    assert look_up(neighbour, "listed.example") == []
    assert neighbour.reaches(SOMEWHERE) == "refused"


def test_the_next_lab_with_a_freed_address_has_nothing_open_by_it(school: School) -> None:
    school.names.has("listed.example", SOMEWHERE)
    look_up(school.lab, "listed.example")
    freed = school.router.attached()["aaaaaaaa"]
    school.router.detach("aaaaaaaa")
    assert SOMEWHERE not in school.opened()
    school.router._addresses._last -= 1
    second = school.world.place()
    assert freed == school.router.attach(
        "bbbbbbbb", second.netns.fd, internet=True, allowed=("other.example",)
    )
    assert second.reaches(SOMEWHERE) == "refused"


def test_mail_stays_shut_to_a_listed_name(school: School) -> None:
    school.world.outside.listens(25)
    school.names.has("listed.example", SOMEWHERE)
    look_up(school.lab, "listed.example")
    assert school.lab.reaches(SOMEWHERE, 25) == "refused"


def test_a_runtime_that_is_killed_leaves_open_what_was_and_no_name_more(school: School) -> None:
    school.names.has("listed.example", SOMEWHERE, ELSEWHERE6)
    look_up(school.lab, "listed.example")
    look_up(school.lab, "listed.example", "AAAA")
    after = school.world.adopted(school.world.let_go(school.router))
    assert school.lab.reaches(SOMEWHERE) == "open"
    assert school.lab.reaches(ELSEWHERE6) == "open"
    assert school.lab.reaches(ELSEWHERE) == "refused"
    assert look_up(school.lab, "listed.example") == []
    after.allow("aaaaaaaa", NAMES)
    assert look_up(school.lab, "listed.example") == [SOMEWHERE]


@pytest.mark.kernel
def test_walls_that_are_built_again_have_the_same_open(school: School) -> None:
    school.names.has("listed.example", SOMEWHERE)
    look_up(school.lab, "listed.example")
    school.router._walls.side.nft(f"flush chain {ROUTER_TABLE} by_list")
    assert school.lab.reaches(SOMEWHERE, within_s=0.3) == "silent"
    school.router._walls.side.nft(f"delete table {ROUTER_TABLE}")
    school.router._walls.mend()
    assert school.lab.reaches(SOMEWHERE) == "open"
    assert school.lab.reaches(ELSEWHERE) == "refused"
