"""A learner takes all there is of what the kernel counts for the whole machine, or for each user.

Each attack first shows that it took what it could, then that a neighbour still gets theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.lab_harness import Lab, quoted
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

PERL = "use POSIX; my @held; for (1..$ARGV[0]) { my $fd = TAKE; last if $fd < 0; push @held, $fd }"
INOTIFY = "syscall((POSIX::uname())[4] eq 'x86_64' ? 294 : 26, 0)"
QUEUE = (
    'do { my ($name, $size) = ("q$$.$_", pack("q8", 0, 10, 8192, 0, 0, 0, 0, 0));'
    " syscall((POSIX::uname())[4] eq 'x86_64' ? 240 : 180, $name, 0102, 0600, $size) }"
)
# Whom a link is to reach is a neighbour, of whom the kernel has a thousand for the whole machine.
NEIGHBOURS = """
import collections, errno, ipaddress, socket
came, held = collections.Counter(), []
for number in range(3000):
    if number % 40 == 0:  # each holds what waits for an answer
        held.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        held[-1].setblocking(False)
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
        held[-1].setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
    try:
        held[-1].sendto(b"x", (str(ipaddress.ip_address(0x0A000000 + number)), 9))
        came["sent"] += 1
    except OSError as error:
        came[errno.errorcode[error.errno]] += 1
print(*came)
"""
TERMINAL = 'POSIX::open("/dev/ptmx", 2) // -1'


@pytest.fixture
def mallory(runtime: Server) -> Iterator[Lab]:
    lab = Lab(runtime.client, "mallory")
    yield lab
    lab.remove()


@pytest.fixture
def neighbour(runtime: Server) -> Iterator[Lab]:
    lab = Lab(runtime.client, "neighbour")
    yield lab
    lab.remove()


def taking(what: str, most: int) -> str:
    return f"perl -e {quoted(PERL.replace('TAKE', what) + '; print scalar(@held)')} {most}"


def take_all(lab: Lab, what: str, times: int = 1) -> None:
    """Hold as many as the lab gets, in as many processes, until it ends."""
    program = PERL.replace("TAKE", what) + '; open(F, ">/tmp/held.$$"); close F; sleep 600'
    for _ in range(times):
        lab.begin(f"exec perl -e {quoted(program)} 900", user="root")
    done = f"test $(ls /tmp/held.* | wc -l) = {times}"
    wait_for(lambda: lab.sh(done).code == 0, "the attack to have taken all")


@pytest.mark.parametrize("what", [INOTIFY, QUEUE], ids=["inotify", "message queues"])
def test_a_lab_that_takes_what_a_user_may_have_leaves_others_theirs(
    mallory: Lab, neighbour: Lab, what: str
) -> None:
    assert neighbour.sh(taking(what, 3)).text == "3"
    take_all(mallory, what)
    assert mallory.sh(taking(what, 3)).text == "0"
    assert neighbour.sh(taking(what, 3)).text == "3"


def test_a_lab_that_invents_thousands_of_neighbours_leaves_room_for_others(mallory: Lab) -> None:
    """Each finds room, since those before make it; a full table says ENOBUFS to everybody."""
    assert mallory.run("python3", "-c", NEIGHBOURS).text == "sent\n"


def test_a_lab_that_opens_thousands_of_terminals_leaves_others_theirs(
    runtime: Server, mallory: Lab, neighbour: Lab
) -> None:
    take_all(mallory, TERMINAL, times=5)
    assert mallory.sh(taking(TERMINAL, 5)).text == "0"
    assert neighbour.sh(taking(TERMINAL, 5)).text == "5"
    assert runtime.client.terminal_open(neighbour.id)["terminal"] == f"{neighbour.id}.2"
