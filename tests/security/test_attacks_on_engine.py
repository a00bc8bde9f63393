"""The same attacks from a lab with an engine, also by who is root of a namespace within it.

Only what is lost is looked at here; what a witness feels of such attempts is measured for `plain`,
and for the namespaces that only such a lab can make.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.kernel.answers import Answers
from tests.conftest import ENGINE
from tests.integration.lab_harness import Lab, quoted
from tests.security.arena import ROW, SMALL, Arena, Witness
from tests.security.conftest import LIMITS
from tests.security.test_attacks_on_resources import UNREAD, is_told
from tests.security.test_attacks_on_the_kernel import NOTHING_WON, PROGRAM, REFUSED
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Server

pytestmark = pytest.mark.kernel

# What the profile gives on purpose (runtime/profiles/engine.toml), so getting it is no loss.
GIVEN = {
    "process_filter prctl": "an engine gives its containers a filter",
    "process_filter seccomp": "as prctl",
    "read /proc/keys": "names of one's own keys; the kernel shows no others",
    "read /proc/interrupts": "statistics",
    "listed /sys/firmware/*": "names; what they hold is the server root's",
    "listed /sys/kernel/*": "names",
    "listed /sys/block/*": "names",
    "mount proc proc": "of a pid namespace of one's own",
    "pivot_root": "in a mount namespace of one's own",
    "write /proc/sys/kernel/hostname mine": "the lab's own name",
    "new_user_namespace": "what a container is made with",
    "clone_user_namespace": "likewise",
    "socket_of 2 1": "ICMP, for ping in a container",
}
# Each is refused, and by an error that nothing was done with.
ALSO_NOTHING = {"EINVAL", "EFAULT", "EBADF", "ENOTTY", "ENOPROTOOPT"}
HELD = Path(__file__).with_name("held.py").read_text()
WITHIN = ("unshare", "--user", "--map-root-user", "--net", "--mount", "--ipc", "--uts", "--")
KINDS = {"user": 0x10000000, "net": 0x40000000, "mnt": 0x20000, "ipc": 0x8000000}


@pytest.fixture(scope="module")
def mallory(engine_runtime: Server) -> Iterator[Lab]:
    """A lab with an engine that attacks."""
    lab = Lab(
        engine_runtime.client, "mallory", image=ENGINE, profile="engine", limits={**SMALL, **LIMITS}
    )
    yield lab
    lab.remove()


@pytest.fixture
def arena(
    engine_runtime: Server,
    witness: Witness,
    mallory: Lab,
    record_property: Callable[[str, object], None],
) -> Iterator[Arena]:
    """The same lab, beside the witness; its rows go to the table."""
    made = Arena(engine_runtime, mallory, witness)
    yield made
    for row in made.rows:
        record_property(ROW, row)


def said(lab: Lab, attempts: list[list[str]], *before: str) -> list[str]:
    """What came of each, in one call."""
    lines = [" ".join(["python3 -c", '"$0"', *map(quoted, words)]) for words in attempts]
    return lab.run(*before, "sh", "-c", "; ".join(lines), PROGRAM).text.splitlines()


def lost(lab: Lab, attempts: list[list[str]], *before: str) -> dict[str, str]:
    """What was won, of attempts at which nothing may be."""
    came = zip(map(" ".join, attempts), said(lab, attempts, *before), strict=True)
    fine = NOTHING_WON | ALSO_NOTHING
    return {what: text for what, text in came if text not in fine and what not in GIVEN}


@pytest.mark.parametrize("name", REFUSED)
def test_the_kernel_refuses_root_of_a_lab_with_an_engine(mallory: Lab, name: str) -> None:
    assert lost(mallory, REFUSED[name][0]) == {}
    assert lost(mallory, REFUSED[name][0], *WITHIN) == {}


MINE = (
    "/sys/fs/cgroup/",  # a tmpfs of its own on cgroup v1
    "/sys/devices/virtual/net/",  # the lab's own links
    "/proc/pressure/",  # as in every lab: waits for a threshold, of which the kernel allows few
    "/proc/sys/net/",  # settings of its own network
    "/proc/sys/user/",  # how many namespaces there may be below one's own
    "/proc/sys/fs/mqueue/",  # of its own ipc namespace, as the next five
    "/proc/sys/kernel/auto_msgmni",
    "/proc/sys/kernel/msg",
    "/proc/sys/kernel/sem",
    "/proc/sys/kernel/shm",
    "/proc/sysvipc/",
    "/proc/sys/kernel/ns_last_pid",  # of its own pid namespace
    "/proc/sys/kernel/pid_max",
)


@pytest.mark.parametrize("before", [(), WITHIN], ids=["root of the lab", "root within"])
def test_nothing_of_the_server_in_sys_and_proc_can_be_written(
    mallory: Lab, before: tuple[str, ...]
) -> None:
    """Nothing is covered any more: what is not the lab's own belongs to nobody inside."""
    found = mallory.run(
        *before, "sh", "-c",
        "find /sys /proc/[a-z]* -xdev -type f -writable -not -path '/proc/self/*' "
        "-not -path '/proc/thread-self/*' 2>/dev/null || true",
    ).text.split()  # fmt: skip
    theirs = [path for path in found if not path.startswith(MINE)]
    assert theirs == []


def test_no_family_of_sockets_opens_that_the_profile_does_not_name(mallory: Lab) -> None:
    """Packets, the kernel's ciphers, vsock, TIPC; nftables and IPsec by netlink."""
    closed = [(17, 0), (2, 255), (38, 0), (40, 0), (30, 0), (16, 12), (16, 6), (16, 4)]
    attempts = [
        ["socket_of", str(family | high), str(protocol)]
        for family, protocol in closed
        for high in (0, 1 << 32)
    ]
    assert set(said(mallory, attempts, *WITHIN)) == {"EAFNOSUPPORT", "ENOSYS"}


def test_no_table_is_given_to_the_old_packet_filters(mallory: Lab) -> None:
    numbers = [64, 65, 96, 97, 128, 129]
    attempts = [["option", str(n | high)] for n in numbers for high in (0, 1 << 32)]
    # The filter's word; the kernel, had it been asked, would say ENOPROTOOPT.
    assert set(said(mallory, attempts, *WITHIN)) == {"ENOSYS"}


def test_the_control_reaches_the_kernel_where_there_is_no_filter() -> None:
    def outside(*words: str) -> str:
        argv = [sys.executable, "-c", PROGRAM, *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()

    assert outside("socket_of", "17", "0") == "DONE"
    assert outside("option", "64") != "ENOSYS"


def test_a_hog_of_answers_in_a_network_of_ones_own_is_ended(arena: Arena, mallory: Lab) -> None:
    """The kernel charges them to nobody, and the lab's own network has none of them."""
    with arena.attack("netlink's answers, in a network within", "a watch: it is ended") as row:
        hog = f"while :; do {' '.join(WITHIN)} python3 -c {quoted(UNREAD)} netlink; done"
        taken = Path(f"/proc/{mallory.record['pid']}/root/tmp/taken")
        mallory.begin(hog, user="root")
        wait_for(lambda: taken.exists() or is_told(arena), "the hog's end", deadline_s=60)
        row.compare()
        assert not taken.exists(), "it has what it wanted"
    mallory.run("pkill", "-f", "netlink")


@pytest.mark.parametrize("kind", ["queue", "leaving", "forwarding", "neighbours"])
def test_a_hog_of_what_a_networks_root_may_hold_is_ended(
    engine_runtime: Server, arena: Arena, kind: str
) -> None:
    """Another process goes on each time, and another network is made; so its container may end."""
    lab = Lab(
        engine_runtime.client, kind, image=ENGINE, profile="engine", limits={**SMALL, **LIMITS}
    )
    arena.mallory = lab
    said = f"lab={lab.id} limit=networks"
    with arena.attack(f"held in a network within: {kind}", "a watch: it is ended") as row:
        hog = f"while :; do {' '.join(WITHIN)} python3 -c {quoted(HELD)} {kind}; done"
        taken = Path(f"/proc/{lab.record['pid']}/root/tmp/taken")
        lab.begin(hog, user="root")
        wait_for(
            lambda: taken.exists() or said in arena.runtime.log_path.read_text(),
            "the hog's end",
            deadline_s=60,
        )
        row.compare()
        assert not taken.exists(), "it has what it wanted"
        seen = rf"networks_heavy lab={lab.id} size=(\d+) \S+ (neighbours=\d+)"
        size, neighbours = re.findall(seen, arena.runtime.log_path.read_text())[0]
        row.stopped_by += f" at {int(size) >> 20} MB, {neighbours}"
    lab.remove()


def test_who_holds_back_what_the_kernel_says_for_all_is_ended(arena: Arena, mallory: Lab) -> None:
    """Some hundred answers to pings fill the one socket that all networks of the machine share."""
    said = f"networks_hold_answers lab={mallory.id}"
    with arena.attack("the kernel's own answers, held back", "a watch: it is ended") as row:
        mallory.begin(f"{' '.join(WITHIN)} python3 -c {quoted(HELD)} answers; touch /tmp/taken")
        taken = Path(f"/proc/{mallory.record['pid']}/root/tmp/taken")
        wait_for(
            lambda: taken.exists() or said in arena.runtime.log_path.read_text(),
            "its end",
            deadline_s=60,
        )
        row.compare()
    assert said in arena.runtime.log_path.read_text()
    answers = Answers()
    try:
        assert answers.are_heard()
    finally:
        answers.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bomb_of_namespaces_stops_at_the_labs_share_whoever_makes_them(
    arena: Arena, mallory: Lab, kind: str
) -> None:
    """By many users of one lab, since the kernel counts each apart."""
    with arena.attack(f"namespaces: {kind}", "a user namespace around the lab's") as row:
        words = ["namespaces", str(KINDS[kind]), "6", "60"]

        def made() -> list[str]:
            count, why = said(mallory, [words])[0].split()
            return [count, why] if int(count) else []

        # Those of the kind before are counted until the kernel frees them, some time after the end.
        count, why = wait_for(made, "room for namespaces", deadline_s=60)
        assert why == "ENOSPC"
        assert int(count) < 260
        line = f"exec python3 -c {quoted(PROGRAM)} --for-ever {' '.join(words)}"
        mallory.begin(line, user="root")
        row.compare()
    mallory.run("pkill", "-f", "namespaces")
