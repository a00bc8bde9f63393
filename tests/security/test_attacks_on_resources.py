"""A learner takes what they can of memory, processes, processors and the kernel's tables."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.kernel.workers import Workers
from runtime.limits.amounts import Limits
from tests.integration.lab_harness import place_of, quoted
from tests.integration.test_limit_news import told
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.lab_harness import Lab
    from tests.security.arena import Arena

pytestmark = pytest.mark.kernel

SLACK_BYTES = 1 << 20

# Each takes until it is refused, says so in a file, and goes on trying.
FORK_BOMB = """
import os, time
while True:
    try:
        if not os.fork():
            while True: pass
    except OSError:
        open("/tmp/refused", "w").close()
"""
THREADS = """
import threading, time
threading.stack_size(32768)
made = 0
while made < 10000:
    try:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        made += 1
    except RuntimeError:
        open("/tmp/refused", "w").write(str(made))
        time.sleep(0.01)
"""
SPIN = """
import os
for _ in range(16):
    if not os.fork():
        while True: pass
open("/tmp/refused", "w").close()
while True: pass
"""
MEMORY = {
    "memory": """
held = []
while True: held.append(b"x" * (1 << 20))
""",
    "tmpfs (/dev/shm)": """
import itertools
for number in itertools.count():
    try:
        with open(f"/dev/shm/{number}", "wb") as file: file.write(b"x" * (1 << 20))
    except OSError: open("/tmp/refused", "w").close()
""",
    "memfd": """
import os
held = []
while True:
    held.append(os.memfd_create("x"))
    os.write(held[-1], b"x" * (1 << 20))
""",
    "socket buffers": """
import socket
held = []
while True:
    try: pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    except OSError:
        for end in held.pop(): end.close()
        open("/tmp/refused", "w").close()
        continue
    held.append(pair)
    pair[0].setblocking(False)
    try:
        while True: pair[0].send(b"x" * 4096)
    except OSError: pass
""",
    "pipes": """
import os, fcntl
held = []
while True:
    try: ends = os.pipe()
    except OSError:
        for end in held.pop(): os.close(end)
        open("/tmp/refused", "w").close()
        continue
    held.append(ends)
    os.set_blocking(ends[1], False)
    try:
        fcntl.fcntl(ends[1], 1031, 1 << 20)
    except OSError: pass
    try:
        while True: os.write(ends[1], b"x" * 65536)
    except OSError: pass
""",
    "System V shared memory": """
import ctypes
libc = ctypes.CDLL(None)
libc.shmat.restype = ctypes.c_void_p
while True:
    id = libc.shmget(0, 1 << 20, 0o1600)
    if id >= 0:
        where = libc.shmat(id, None, 0)
        if where not in (None, 2**64 - 1): ctypes.memset(where, 120, 1 << 20)
    else:
        open("/tmp/refused", "w").close()
""",
}
# As much as a hundred connections to itself take of what nobody reads.
TCP = """
import socket, time
door = socket.create_server(("127.0.0.1", 7000))
held = []
for _ in range(100):
    one = socket.socket()
    one.settimeout(0.5)
    try:
        one.connect(("127.0.0.1", 7000))
        held.append((one, door.accept()[0]))
        one.setblocking(False)
        while True: one.send(b"x" * 262144)
    except OSError: pass
open("/tmp/refused", "w").close()
time.sleep(600)
"""
PAGE_CACHE = """
while true; do
  dd if=/dev/zero of=/var/tmp/large bs=1M count=50 2>/dev/null
  cat /var/tmp/large >/dev/null; touch /tmp/refused
done
"""
DENTRIES = """
import os, itertools
for number in itertools.count():
    try: os.stat(f"/tmp/{number:0200d}")
    except OSError: pass
    if number == 200_000: open("/tmp/refused", "w").close()
"""
DESCRIPTORS = """
import os, resource, time
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
for _ in range(4):
    if not os.fork():
        held = []
        while True:
            try: held.append(os.eventfd(0))
            except OSError:
                os.close(held.pop())
                open(f"/tmp/refused", "w").close()
                time.sleep(600)
time.sleep(600)
"""
UNREAD = Path(__file__).with_name("unread.py").read_text()
PTYS = Path(__file__).with_name("ptys.py").read_text()
TERMINALS = """
import os, time
held = []
while True:
    try: held.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        open("/tmp/refused", "w").close()
        time.sleep(0.01)
"""
# Of a file's, each by itself; by the process, or by the open file, which its children have, too.
LOCKS = """
import fcntl, os, struct, sys, time
how = {"process": fcntl.F_SETLK, "open": 37}[sys.argv[1]]
fd = os.open("/tmp/locked", os.O_CREAT | os.O_RDWR)
FAR = 1 << 62  # so that the kernel's lines are long
def lock(start):
    fcntl.fcntl(fd, how, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, 1, 0))
for number in range(40_000, 0, -1):
    lock(FAR + 2 * number)
open("/tmp/refused", "w").close()
for _ in range(7):
    if os.fork() == 0: break
while True:
    try: lock(FAR + 100_000)
    except OSError: pass
"""


def run(arena: Arena, program: str, when: Callable[[], bool] | None = None) -> None:
    """Start a program and wait until it has taken what it gets."""
    arena.mallory.begin(f"exec python3 -c {quoted(program)}", user="root")
    wait_for(when or (lambda: is_refused(arena)), "the attack to have taken all", deadline_s=60)


def is_refused(arena: Arena) -> bool:
    """Read from outside: where no process is left, none can be started to look."""
    return Path(f"/proc/{arena.mallory.record['pid']}/root/tmp/refused").exists()


def test_a_fork_bomb(arena: Arena) -> None:
    with arena.attack("fork bomb", "pids limit: fork is refused (EAGAIN)") as row:
        run(arena, FORK_BOMB)
        row.compare()
        assert arena.mallory.client.lab_usage(arena.mallory.id)["pids"] <= 100


def test_ten_thousand_threads(arena: Arena) -> None:
    with arena.attack("10,000 threads", "pids limit counts threads too") as row:
        run(arena, THREADS)
        row.compare()
        assert arena.mallory.client.lab_usage(arena.mallory.id)["pids"] <= 100


@pytest.mark.parametrize("limits", [{"cpu_cores": 64.0}])
def test_a_spin_on_every_core(arena: Arena) -> None:
    with arena.attack("CPU spin on all cores", "equal weight; quota where one is set") as row:
        run(arena, SPIN)
        row.compare()


@pytest.mark.parametrize("what", MEMORY)
def test_a_hog_of(arena: Arena, what: str) -> None:
    lab = arena.mallory
    with arena.attack(f"memory: {what}", "") as row:
        loop = f"while :; do python3 -c {quoted(MEMORY[what])}; done"
        lab.begin(loop, user="root")
        most = lab.record["limits"]["memory_bytes"]
        place = place_of(arena.runtime.instance)
        wait_for(
            lambda: (
                place.hits(lab.id).memory_kills or charged(arena) > most * 0.9 or is_refused(arena)
            ),
            "the limit to be met",
            deadline_s=60,
        )
        row.compare()
        assert charged(arena) <= most + SLACK_BYTES
        kills = place.hits(lab.id).memory_kills
        row.stopped_by = "memory limit: " + ("its program is killed" if kills else "it is refused")


def test_a_hog_of_connections(arena: Arena) -> None:
    """What they hold is the lab's memory on cgroup v2, and counted beside it on v1."""
    before = held_by_tcp()
    with arena.attack("memory: TCP's buffers", "memory limit; a limit of its own on v1") as row:
        place = place_of(arena.runtime.instance)
        run(
            arena,
            TCP,  # of which v2 may kill the program
            lambda: is_refused(arena) or place.hits(arena.mallory.id).memory_kills > 0,
        )
        row.compare()
        assert held_by_tcp() - before <= arena.mallory.record["limits"]["memory_bytes"]


def held_by_tcp() -> int:
    """By all connections of this machine, in whatever network."""
    line = Path("/proc/net/sockstat").read_text().partition("TCP:")[2]
    return int(line.partition(" mem ")[2].split()[0]) * os.sysconf("SC_PAGE_SIZE")


def charged(arena: Arena) -> int:
    """All that the kernel charges a lab for, its file cache and kernel memory too."""
    groups = Path(f"/proc/{arena.mallory.record['pid']}/cgroup").read_text().splitlines()
    by_kind = {kind: path for _, kind, path in (line.split(":", 2) for line in groups)}
    if "memory" in by_kind:
        return int(
            Path(f"/sys/fs/cgroup/memory{by_kind['memory']}/memory.usage_in_bytes").read_text()
        )
    return int(Path(f"/sys/fs/cgroup{by_kind['']}/memory.current").read_text())


def test_a_hog_of_the_page_cache(arena: Arena) -> None:
    with arena.attack("memory: page cache", "charged to the lab, and reclaimed from it") as row:
        arena.mallory.begin(PAGE_CACHE, user="root")
        wait_for(lambda: is_refused(arena), "the attack to be under way", deadline_s=60)
        row.compare()
        assert charged(arena) <= arena.mallory.record["limits"]["memory_bytes"] + SLACK_BYTES


def test_a_hog_of_dentries(arena: Arena) -> None:
    with arena.attack("memory: dentries", "charged to the lab, and reclaimed from it") as row:
        run(arena, DENTRIES)
        row.compare()
        assert charged(arena) <= arena.mallory.record["limits"]["memory_bytes"] + SLACK_BYTES


@pytest.mark.parametrize("kind", ["netlink", "ping"])
def test_a_hog_of_answers_that_nobody_reads(arena: Arena, kind: str) -> None:
    """The kernel charges them to nobody, so no limit of its own is met."""
    lab = arena.mallory
    with arena.attack(f"memory: {kind}'s answers", "a watch: its program is ended") as row:
        hog = f"while :; do python3 -c {quoted(UNREAD)} {kind}; done"
        taken = Path(f"/proc/{lab.record['pid']}/root/tmp/taken")
        with arena.runtime.client.follow(0) as events:
            lab.begin(hog, user="root")
            wait_for(lambda: taken.exists() or is_told(arena), "the hog's end", deadline_s=60)
            assert not taken.exists(), "it has what it wanted"
            sentence = told(events, "sockets")
        found = re.fullmatch(
            r"python3 was ended: (\d+ sockets) \(netlink, ping\)(?: held (\d+ MB) that nobody "
            r"read)?\. Your container may have 256 of them, with 32 MB to be read\.",
            sentence,
        )
        assert found, sentence
        row.stopped_by += f" at {found[2] or found[1]}"
        row.compare()
        assert not taken.exists()


def is_told(arena: Arena) -> bool:
    return "limit=sockets" in arena.runtime.log_path.read_text()


@pytest.mark.parametrize("whose", ["process", "open"])
def test_a_file_that_is_locked_in_too_many_places(arena: Arena, whose: str) -> None:
    """The kernel walks past all of them at each call, and nothing interrupts it."""
    lab = arena.mallory
    with arena.attack(f"locks without number: the {whose}'s", "a watch: it is ended") as row:
        with arena.runtime.client.follow(0) as events:
            lab.begin(f"while :; do python3 -c {quoted(LOCKS)} {whose}; done", user="root")
            assert told(events, "locks") == (
                "python3 was ended: it had locked one file in thousands of places. "
                "Each further lock of it held up everybody."
            )
        row.compare()
        assert not is_refused(arena), "it has all that it wanted"


@pytest.mark.skipif(not Workers.are_seen(), reason="who carries it isn't seen from here")
def test_a_flood_through_ptys_of_ones_own(arena: Arena) -> None:
    """The kernel's own workers carry it, and no cgroup holds those."""
    lab, place = arena.mallory, place_of(arena.runtime.instance)
    with arena.attack("a flood through forty ptys", "a watch: the lab is slowed") as row:
        with arena.runtime.client.follow(0) as events:
            lab.begin(f"exec python3 -c {quoted(PTYS)}", user="root")
            assert told(events, "output") == (
                "python3 floods terminals within your container, so it runs slowly for now. "
                "End it (Ctrl-C), and all is fast again."
            )
        row.compare()
    with arena.stopped():
        wait_for(lambda: place.read_limits(lab.id) == whole(lab), "its own limits again")


def whole(lab: Lab) -> Limits:
    """What a lab may have while nothing is taken from it."""
    limits = lab.record["limits"]
    return Limits(limits["memory_bytes"], limits["pids"], limits["cpu_cores"])


def test_all_the_descriptors(arena: Arena) -> None:
    with arena.attack("file descriptors", "NOFILE, and memory they are charged to") as row:
        place = place_of(arena.runtime.instance)
        run(
            arena,
            DESCRIPTORS,
            lambda: is_refused(arena) or place.hits(arena.mallory.id).memory_kills > 0,
        )
        row.compare()
        used, _, most = map(int, Path("/proc/sys/fs/file-nr").read_text().split())
        assert used < most / 2


def test_all_the_terminals(arena: Arena) -> None:
    with arena.attack("terminals (pty)", "max= of the lab's devpts") as row:
        run(arena, TERMINALS)
        row.compare()
        terminal = arena.runtime.client.terminal_open(arena.witness.lab.id)["terminal"]
        arena.runtime.client.terminal_close(terminal)


def test_a_flood_of_the_servers_log(arena: Arena) -> None:
    """Every refusal and every crash is something that a log might tell."""
    log_path = arena.runtime.log_path
    before = log_path.stat().st_size
    with arena.attack("log flood", "told once in 10 s; the kernel's own rate limit") as row:
        fork = "import os\nwhile 1:\n  try: os.fork() or os._exit(0)\n  except OSError: pass"
        crash = "import ctypes; ctypes.string_at(0)"
        arena.mallory.begin(f"while :; do python3 -c {quoted(crash)}; done", user="root")
        arena.mallory.begin(f"python3 -c {quoted(fork)} & python3 -c {quoted(fork)}")
        began = time.monotonic()
        row.compare()
        seconds = time.monotonic() - began
        assert log_path.stat().st_size - before < 4096 * (1 + seconds)
        assert os.path.getsize(log_path) > 0  # noqa: PTH202
