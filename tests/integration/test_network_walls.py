"""What a lab can't reach, each with a witness that the same door is open to somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.integration.network_world import HOST, PRIVATE, SOMEWHERE, Place, World, heard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.network.router import Router

pytestmark = pytest.mark.kernel


class Class(NamedTuple):
    """Two labs with internet and one without, and their addresses."""

    world: World
    router: Router
    ada: Place
    ben: Place
    chi: Place
    address: dict[str, str]


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
    for place in (ada, ben, chi):
        place.listens()
    yield Class(world, router, ada, ben, chi, address)
    world.close()


@pytest.mark.parametrize("other", ["ben", "chi"])
def test_a_lab_is_refused_by_another_that_the_host_reaches(labs: Class, other: str) -> None:
    assert labs.world.host.reaches(labs.address[other]) == "open"
    assert labs.ada.reaches(labs.address[other]) == "refused"


def test_a_lab_is_refused_by_every_address_of_its_host(labs: Class) -> None:
    uplink_end = labs.world.host.ip("-brief address").split(" peer ")[0].split()[-1]
    for address in (HOST, uplink_end):
        assert labs.world.host.reaches(address) == "open"
        assert labs.ada.reaches(address) == "refused"


def test_an_address_that_the_host_gets_later_is_shut_too(labs: Class) -> None:
    late = "198.51.100.200"
    labs.world.host.ip(f"address add {late}/32 dev lo")
    assert labs.world.host.reaches(late) == "open"
    assert any(labs.ada.reaches(late) == "refused" for _ in range(200))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ranges_and_metadata_refuse_a_lab_with_internet(labs: Class, address: str) -> None:
    assert labs.world.host.reaches(address) == "open"
    assert labs.ada.reaches(address) == "refused"


def test_the_gateway_answers_no_port_of_a_lab(labs: Class) -> None:
    assert labs.ada.reaches("169.254.1.1") == "refused"


def test_a_lab_without_internet_is_refused_at_once(labs: Class) -> None:
    assert labs.ada.reaches(SOMEWHERE) == "open"
    assert labs.chi.reaches(SOMEWHERE) == "refused"


def test_a_lab_without_internet_is_told_so_for_udp_each_time(labs: Class) -> None:
    speaker = labs.chi.speaks()
    speaker.connect((SOMEWHERE, 53))
    for _ in range(20):
        speaker.send(b"a question")
        with pytest.raises(OSError, match="No route to host"):
            speaker.recv(64)


def test_mail_is_shut_for_a_lab_with_internet(labs: Class) -> None:
    labs.world.outside.listens(25)
    assert labs.world.host.reaches(SOMEWHERE, 25) == "open"
    assert labs.ada.reaches(SOMEWHERE, 25) == "refused"


def test_the_outside_sees_the_host_and_never_the_lab(labs: Class) -> None:
    listener = labs.world.outside.listens(8080)
    labs.ada.connects(SOMEWHERE, 8080)
    accepted, (source, _) = listener.accept()
    accepted.close()
    assert source == HOST


def test_a_lab_that_borrows_a_neighbours_address_is_not_heard(labs: Class) -> None:
    listener = labs.world.outside.hears(5353)
    labs.chi.ip(f"address add {labs.address['ada']}/32 dev eth0")
    labs.chi.speaks(labs.address["ada"]).sendto(b"forged", (SOMEWHERE, 5353))
    labs.ada.speaks().sendto(b"genuine", (SOMEWHERE, 5353))
    assert heard(listener) == b"genuine"


def test_a_lab_that_invents_an_address_is_not_heard(labs: Class) -> None:
    listener = labs.world.outside.hears(5354)
    labs.ada.ip("address add 198.51.100.99/32 dev eth0")
    labs.ada.speaks("198.51.100.99").sendto(b"forged", (SOMEWHERE, 5354))
    labs.ada.speaks().sendto(b"genuine", (SOMEWHERE, 5354))
    assert heard(listener) == b"genuine"


def test_the_outside_gets_no_answer_from_a_lab(labs: Class) -> None:
    labs.world.outside.ip(f"route add 198.18.0.0/15 via {HOST}")
    assert labs.world.host.reaches(labs.address["ada"]) == "open"
    assert labs.world.outside.reaches(labs.address["ada"]) == "silent"


def test_nothing_of_ours_speaks_ipv6(labs: Class) -> None:
    router = Place.around(labs.router.netns_fd)
    labs.chi.ip("-6 address add 2001:db8::5/64 dev eth0 nodad")
    assert "inet6 2001:db8::5" in labs.chi.ip("-6 address")
    assert router.ip("-6 address") == ""
    assert "inet6" not in labs.world.host.ip(f"address show slip-{labs.world.instance.id}")
    router.close()
