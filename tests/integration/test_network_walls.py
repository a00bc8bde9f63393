"""What a lab can't reach, each with a witness that the same door is open to somebody else.

Whatever is true of IPv4 is tried with IPv6 too.
"""

from __future__ import annotations

import select
import socket
import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.integration.network_world import (
    HOST,
    HOST6,
    PRIVATE,
    PRIVATE6,
    SOMEWHERE,
    SOMEWHERE6,
    Place,
    World,
    heard,
)
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.network.addresses import Home
    from runtime.network.router import Router

BOTH = pytest.mark.parametrize("version", [4, 6])
OUTSIDE = {4: SOMEWHERE, 6: SOMEWHERE6}
OWN = {4: HOST, 6: HOST6}


class Class(NamedTuple):
    """Two labs with internet and one without, and where they are."""

    world: World
    router: Router
    ada: Place
    ben: Place
    chi: Place
    home: dict[str, Home]

    def address(self, name: str, version: int) -> str:
        home = self.home[name]
        return str(home.address if version == 4 else home.address6)


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Class]:
    world = World(tmp_path_factory.mktemp("data"))
    router = world.router()
    ada, ben, chi = world.place(), world.place(), world.place()
    address = {
        "ada": router.attach("aaaaaaaa", ada.netns.fd, internet=True),
        "ben": router.attach("bbbbbbbb", ben.netns.fd, internet=True),
        "chi": router.attach("cccccccc", chi.netns.fd, internet=False),
    }
    home = {name: router._walls.range.home(IPv4Address(text)) for name, text in address.items()}
    for place in (ada, ben, chi):
        place.listens()
    yield Class(world, router, ada, ben, chi, home)
    world.close()


@BOTH
@pytest.mark.kernel
@pytest.mark.parametrize("other", ["ben", "chi"])
def test_a_lab_is_refused_by_another_that_the_host_reaches(
    labs: Class, other: str, version: int
) -> None:
    assert labs.world.host.reaches(labs.address(other, version)) == "open"
    assert labs.ada.reaches(labs.address(other, version)) == "refused"


@BOTH
@pytest.mark.kernel
def test_a_lab_is_refused_by_every_address_of_its_host(labs: Class, version: int) -> None:
    range_ = labs.router._walls.range
    uplink_end = str(range_.host_end if version == 4 else range_.host_end6)
    for address in (OWN[version], uplink_end):
        assert labs.world.host.reaches(address) == "open"
        assert labs.ada.reaches(address) == "refused"


@pytest.mark.parametrize("late", ["198.51.100.200", "2a00:5119::200"])
def test_an_address_that_the_host_gets_later_is_shut_too(labs: Class, late: str) -> None:
    labs.world.host.take(late, "lo")
    wait_for(lambda: labs.world.host.reaches(late) == "open", "the address to be there")
    name = "host6" if ":" in late else "host"
    with Place.around(labs.router.netns_fd) as router:
        listed = ("nft", "list", "set", "inet", "slipway", name)
        wait_for(lambda: late in router.sh(*listed), "the walls to know it")
    assert labs.ada.reaches(late) == "refused"


@pytest.mark.parametrize("address", [*PRIVATE, *PRIVATE6])
def test_private_ranges_and_metadata_refuse_a_lab_with_internet(labs: Class, address: str) -> None:
    assert labs.world.host.reaches(address) == "open"
    assert labs.ada.reaches(address) == "refused"


@pytest.mark.kernel
def test_the_gateway_answers_no_port_of_a_lab(labs: Class) -> None:
    assert labs.ada.reaches("169.254.1.1") == "refused"
    assert labs.chi.reaches("169.254.1.1", 53) == "refused"


@BOTH
@pytest.mark.kernel
def test_a_lab_without_internet_is_refused_at_once(labs: Class, version: int) -> None:
    assert labs.ada.reaches(OUTSIDE[version]) == "open"
    before = labs.router.refusals()["cccccccc"].internet if labs.router.refusals() else 0
    assert labs.chi.reaches(OUTSIDE[version]) == "refused"
    assert labs.router.refusals()["cccccccc"].internet > before


@pytest.mark.kernel
def test_a_lab_without_internet_is_told_so_for_udp_each_time(labs: Class) -> None:
    speaker = labs.chi.speaks()
    speaker.connect((SOMEWHERE, 53))
    for _ in range(20):
        speaker.send(b"a question")
        with pytest.raises(OSError, match="No route to host"):
            speaker.recv(64)


@BOTH
@pytest.mark.kernel
def test_mail_is_shut_for_a_lab_with_internet(labs: Class, version: int) -> None:
    listener = labs.world.outside.listens(25)
    assert labs.world.host.reaches(OUTSIDE[version], 25) == "open"
    assert labs.ada.reaches(OUTSIDE[version], 25) == "refused"
    assert labs.router.refusals()["aaaaaaaa"].mail >= 1
    listener.close()


@BOTH
@pytest.mark.kernel
def test_the_outside_sees_the_host_and_never_the_lab(labs: Class, version: int) -> None:
    listener = labs.world.outside.listens(8080)
    labs.ada.connects(OUTSIDE[version], 8080)
    accepted, (source, *_) = listener.accept()
    accepted.close()
    listener.close()
    assert source.removeprefix("::ffff:") == OWN[version]


@BOTH
@pytest.mark.kernel
def test_a_lab_that_borrows_a_neighbours_address_is_not_heard(labs: Class, version: int) -> None:
    borrowed = labs.address("ada", version)
    labs.chi.take(borrowed, "eth0")
    assert_not_heard(labs, labs.chi, borrowed, version)


@pytest.mark.kernel
@pytest.mark.parametrize(("version", "invented"), [(4, "198.51.100.99"), (6, "2a00:5119::99")])
def test_a_lab_that_invents_an_address_is_not_heard(
    labs: Class, version: int, invented: str
) -> None:
    labs.ben.take(invented, "eth0")
    assert_not_heard(labs, labs.ben, invented, version)


@BOTH
@pytest.mark.kernel
def test_a_lab_with_a_hardware_address_of_its_own_making_is_not_heard(
    labs: Class, version: int
) -> None:
    before = labs.home["ben"].mac
    labs.ben.ip("link set eth0 address 02:00:00:00:00:99")
    assert_not_heard(labs, labs.ben, labs.address("ben", version), version)
    labs.ben.ip(f"link set eth0 address {before}")


def assert_not_heard(labs: Class, forger: Place, source: str, version: int) -> None:
    listener = labs.world.outside.hears(5353)
    forger.speaks(source).sendto(b"forged", (OUTSIDE[version], 5353))
    own = labs.address("ada", version)
    labs.ada.speaks(own).sendto(b"genuine", (OUTSIDE[version], 5353))
    assert heard(listener) == b"genuine"
    listener.close()


def frame(mac: str, kind: int, payload: bytes, to: str = "ff:ff:ff:ff:ff:ff") -> bytes:
    raw = [bytes.fromhex(each.replace(":", "")) for each in (to, mac)]
    return b"".join(raw) + struct.pack("!H", kind) + payload


@pytest.mark.kernel
def test_what_neighbours_on_a_wire_ask_each_other_goes_nowhere(labs: Class) -> None:
    home = labs.home["chi"]
    own, own6 = home.address.packed, home.address6.packed
    said = b"what goes nowhere"
    udp = struct.pack("!HHHH", 68, 67, 8 + len(said), 0) + said
    dhcp = ip(b"\0" * 4, b"\xff" * 4, udp)
    multicast = ip(own, bytes([224, 0, 0, 251]), udp)
    everyone = bytes.fromhex("ff02" + "00" * 13 + "01")
    advert = b"\x86\0\0\0\x40\0\x07\x08" + b"\0" * 8 + said
    adverts = [ip6(source, everyone, advert) for source in (own6, b"\xfe\x80" + b"\0" * 14)]
    claim = struct.pack("!HHBBH", 1, 0x800, 6, 4, 2) + b"\2" * 6 + labs.home["ada"].address.packed
    claim += b"\2" * 6 + bytes([169, 254, 1, 1]) + said
    ears = [listening(place) for place in (labs.ada, labs.world.host, labs.world.outside)]
    with labs.chi.netns.run(socket.socket, socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(("eth0", 0))
        for kind, packet in (0x800, dhcp), (0x800, multicast), (0x806, claim), (0x88CC, said):
            sender.send(frame(home.mac, kind, packet))
        for packet in adverts:
            sender.send(frame(home.mac, 0x86DD, packet))
    labs.world.host.speaks().sendto(b"what is heard", (labs.address("ada", 4), 9))
    assert b"what is heard" in heard_by(ears[0])
    for ear in ears:
        assert said not in heard_by(ear)
        ear.close()
    with Place.around(labs.router.netns_fd) as router:
        assert router.ip("-6 route show default").count("default") == 1
        assert "02:02:02" not in router.ip("neigh")


def ip(source: bytes, to: bytes, payload: bytes) -> bytes:
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 1, 17, 0) + source + to
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return header[:10] + struct.pack("!H", 0xFFFF & ~total) + header[12:] + payload


def ip6(source: bytes, to: bytes, payload: bytes) -> bytes:
    return struct.pack("!IHBB", 6 << 28, len(payload), 58, 255) + source + to + payload


def listening(place: Place) -> socket.socket:
    """Hears every frame on every link of a place."""
    ear = place.netns.run(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    ear.setblocking(False)
    return ear


def heard_by(ear: socket.socket) -> bytes:
    got = b""
    while select.select([ear], [], [], 0.2)[0]:
        got += ear.recv(65536)
    return got


@BOTH
def test_the_outside_gets_no_answer_from_a_lab(labs: Class, version: int) -> None:
    to, via = ("198.18.0.0/15", HOST) if version == 4 else ("fd51:d000::/32", HOST6)
    labs.world.outside.ip(f"route add {to} via {via}")
    assert labs.world.host.reaches(labs.address("ada", version)) == "open"
    assert labs.world.outside.reaches(labs.address("ada", version)) == "silent"
