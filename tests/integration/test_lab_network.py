"""The network of real labs, as a learner meets it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from runtime.problems import Problem
from tests.integration.lab_harness import Lab
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

pytestmark = pytest.mark.kernel

PORT = 8000
# Says `open`, or why not; `timed out` would be silence.
CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
    print("open")
except OSError as error:
    print(error.strerror or error)
"""


@pytest.fixture(scope="module")
def labs(runtime: Server) -> Iterator[tuple[Lab, Lab]]:
    quiet = Lab(runtime.client, "learner-1", internet=False)
    loud = Lab(runtime.client, "learner-2", internet=True)
    yield quiet, loud
    quiet.remove()
    loud.remove()


def reached(lab: Lab, address: str, port: int) -> str:
    return lab.run("python3", "-c", CONNECT, address, str(port), user="learner").text.strip()


def is_open(address: str) -> bool:
    try:
        socket.create_connection((address, PORT), timeout=1).close()
    except OSError:
        return False
    return True


def test_a_real_lab_is_refused_by_its_neighbour(labs: tuple[Lab, Lab]) -> None:
    quiet, loud = labs
    loud.begin(f"exec python3 -m http.server {PORT}")
    wait_for(lambda: is_open(loud.record["address"]), "the neighbour's server")
    assert reached(loud, loud.record["address"], PORT) == "open"
    assert reached(quiet, loud.record["address"], PORT) == "Connection refused"


def test_a_real_lab_is_refused_by_the_server_it_runs_on(labs: tuple[Lab, Lab]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:  # noqa: S104 - every address is tried
        port = listener.getsockname()[1]
        for lab in labs:
            assert reached(lab, _own_address(lab.record["address"]), port) == "Connection refused"


def test_names_are_unknown_at_once_where_internet_is_off(labs: tuple[Lab, Lab]) -> None:
    quiet, _ = labs
    assert "nameserver" not in quiet.run("cat", "/etc/resolv.conf").text
    assert quiet.run("timeout", "3", "getent", "hosts", "www.example.org").code == 2


def test_a_real_lab_with_a_list_is_told_what_is_not_on_it(runtime: Server) -> None:
    lab = Lab(runtime.client, "listed", internet=True, allowed=["listed.example"])
    try:
        assert lab.run("timeout", "5", "getent", "hosts", "www.example.org").code == 2
        assert reached(lab, "203.0.113.9", 443) == "Connection refused"
        network = runtime.client.lab_walls(lab.id)["network"]
        assert network["allowed"] == ["listed.example"]
        assert network["refused"]["unlisted"] >= 2
        runtime.client.lab_allow(lab.id, ["other.example", "*.example.net"])
        network = runtime.client.lab_walls(lab.id)["network"]
        assert network["allowed"] == ["other.example", "*.example.net"]
        assert network["open"] == 0
    finally:
        lab.remove()


def test_a_lab_without_a_list_gets_none_later(labs: tuple[Lab, Lab]) -> None:
    for lab in labs:
        with pytest.raises(Problem, match="as it was made"):
            lab.client.lab_allow(lab.id, ["other.example"])
        with pytest.raises(Problem, match="must be names"):
            lab.client.lab_allow(lab.id, [])


def test_a_lab_with_internet_asks_no_resolver_on_a_loopback(labs: tuple[Lab, Lab]) -> None:
    _, loud = labs
    text = loud.run("cat", "/etc/resolv.conf").text
    assert "nameserver 127." not in text
    assert text


def test_root_of_a_lab_can_change_neither_address_nor_route(labs: tuple[Lab, Lab]) -> None:
    quiet, _ = labs
    refused = "Operation not permitted"
    assert refused in quiet.run("ip", "address", "add", "192.0.2.77/32", "dev", "eth0").text
    assert refused in quiet.run("ip", "route", "del", "default").text
    assert refused in quiet.run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:01").text


def _own_address(towards: str) -> str:
    """This machine's address on the way to somewhere; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((towards, 9))
        return str(probe.getsockname()[0])
