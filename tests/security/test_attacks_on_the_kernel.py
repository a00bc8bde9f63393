"""Root of a lab asks the kernel, by every door we know, for what is the server's or another's."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.lab_harness import quoted

if TYPE_CHECKING:
    from tests.security.arena import Arena

pytestmark = pytest.mark.kernel

PROGRAM = Path(__file__).with_name("attempts.py").read_text()
FILTER = "system call filter"
# A row of the table: its name, what is tried, and what may come of it.
REFUSED: dict[str, tuple[list[list[str]], str]] = {
    "dmesg": ([["syslog", "3"], ["read", "/dev/kmsg"]], f"{FILTER}; no such device"),
    "/proc/kcore, /proc/keys, interrupts": (
        [["read", f"/proc/{name}"] for name in ("kcore", "keys", "interrupts", "timer_list")],
        "masked",
    ),
    "/sys/firmware, /sys/kernel": (
        [["listed", "/sys/firmware/*"], ["listed", "/sys/kernel/*"], ["listed", "/sys/block/*"]],
        "masked",
    ),
    "keyctl, add_key, request_key": ([["keyctl"], ["add_key"], ["request_key"]], FILTER),
    "devices of the server": (
        [
            ["device", "b", "8", "0"],
            ["device", "b", "254", "0"],
            ["device", "b", "7", "0"],
            ["device", "c", "1", "1"],
            ["listed", "/dev/[hsv]d*"],
        ],
        "no CAP_MKNOD; device rules of its cgroup",
    ),
    "mounts": (
        [
            ["mount", "/dev/vda", "ext4"],
            ["mount", "proc", "proc"],
            ["fsopen"],
            ["open_tree"],
            ["move_mount"],
            ["pivot_root"],
        ],
        FILTER,
    ),
    "cgroup release_agent": ([["release_agent"]], f"read-only in a cgroup namespace; {FILTER}"),
    "core_pattern, modprobe": (
        [
            ["write", "/proc/sys/kernel/core_pattern", "|/tmp/mine"],
            ["write", "/proc/sys/kernel/modprobe", "/tmp/mine"],
            ["write", "/proc/sys/vm/drop_caches", "3"],
            ["write", "/proc/sys/kernel/hostname", "mine"],
        ],
        "read-only; the ids aren't the server's",
    ),
    "sysrq, reboot": (
        [["write", "/proc/sysrq-trigger", "b"], ["reboot"]],
        f"read-only; {FILTER}",
    ),
    "bpf": ([["bpf"]], FILTER),
    "perf_event_open": ([["perf_event_open"]], FILTER),
    "userfaultfd": ([["userfaultfd"]], FILTER),
    "io_uring": ([["io_uring_setup"]], FILTER),
    "kernel modules": ([["init_module"], ["finit_module"]], FILTER),
    "kexec": ([["kexec_load"], ["kexec_file_load"]], FILTER),
    "open_by_handle_at": ([["escape_by_handle"]], FILTER),
    "new namespaces": (
        [["new_user_namespace"], ["clone_user_namespace"], ["enter_first", "user"]],
        FILTER,
    ),
    "clock, swap, accounting, quota": (
        [["clock_settime"], ["settimeofday"], ["swapon"], ["acct"], ["quotactl"]],
        FILTER,
    ),
    "real-time priority, nice, oom_score_adj": (
        [["realtime"], ["nice"], ["oom"]],
        "no CAP_SYS_NICE and CAP_SYS_RESOURCE",
    ),
    "32-bit system calls": (
        [["by_32_bit_call", "310"], ["by_32_bit_call", "21"], ["by_32_bit_call", "120"]],
        "the filter knows the native architecture alone, and ends others",
    ),
    "x32 system calls": (
        [["by_x32_call", "272"], ["by_x32_call", "165"]],
        "unknown to kernel or filter",
    ),
    "firewall and routes by netlink": ([["firewall"]], FILTER),
    "raw sockets, rings of packets": (
        [
            *(["socket_of", "17", number] for number in ("0", "3", "768")),
            *(["socket_of", family, number] for family in ("2", "10") for number in ("1", "58")),
            ["socket_of", "2", "255"],
            ["socket_of", str(2 | 1 << 32), "17"],
        ],
        FILTER,
    ),
    "vsock, ciphers, CAN, IPsec, kernel modules by sockets": (
        [
            *(["socket_of", str(number), "0"] for number in (40, 40 | 1 << 32, 38, 29, 44, 31)),
            *(["socket_of", "16", number] for number in ("6", "16", "19")),
            *(["stream_of", number] for number in ("132", "253", "17")),
            ["socket_of", "2", "0"],
        ],
        FILTER,
    ),
    "filters of sockets and processes, which count for all": (
        [
            *(["socket_filter", level, "26"] for level in ("1", str(1 | 1 << 32))),
            ["socket_filter", "1", str(26 | 1 << 32)],
            ["socket_filter", "1", "51"],
            ["process_filter", "prctl"],
            ["process_filter", "seccomp"],
        ],
        FILTER,
    ),
    "asynchronous I/O, which counts for all": ([["disk_requests"]], FILTER),
    "device events by netlink": ([["netlink", "1"], ["netlink", "2"]], "its network namespace"),
}
NOTHING_WON = {
    "EPERM",
    "EACCES",
    "EAFNOSUPPORT",
    "EROFS",
    "ENOPROTOOPT",
    "ENOSYS",
    "ENOENT",
    "ENODEV",
    "ENXIO",
    "ESRCH",
    "ECONNREFUSED",
    "EHOSTUNREACH",
    "ETIMEDOUT",
    "SIGSYS",
    "nothing",
}


def tries(arena: Arena, name: str, attempts: list[list[str]], stopped_by: str) -> None:
    """Try each once and see it refused, then go on while the witness is looked at."""
    with arena.attack(name, stopped_by) as row:
        came = {}
        for words in attempts:
            said = arena.mallory.run("python3", "-c", PROGRAM, *words)
            came[" ".join(words)] = said.text.strip()
        won = {what: text for what, text in came.items() if text not in NOTHING_WON}
        assert won == {}
        for words in attempts:
            line = " ".join(quoted(word) for word in ["python3", "-c", PROGRAM, "--for-ever"])
            line += " " + " ".join(quoted(word) for word in words)
            arena.mallory.begin(f"exec {line}", user="root")
        row.compare()
        names = sorted({text for text in came.values() if text != "nothing"})
        row.stopped_by = f"{stopped_by} ({', '.join(names)})" if names else stopped_by


@pytest.mark.parametrize("name", REFUSED)
def test_the_kernel_refuses_root_of_a_lab(arena: Arena, name: str) -> None:
    attempts, stopped_by = REFUSED[name]
    tries(arena, name, attempts, stopped_by)


def test_the_control_is_done_where_there_is_no_wall() -> None:
    """Outside of a lab the same program gets what it wants: it is the walls that refuse."""

    def outside(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert outside("read", "/proc/interrupts") == "DONE"
    assert outside("listed", "/sys/block/*") == "DONE"
    assert outside("new_user_namespace") == "DONE"
    assert outside("disk_requests") == "DONE"
    assert outside("process_filter", "prctl") == outside("process_filter", "seccomp") == "DONE"
    assert outside("socket_filter", "1", "26") == outside("socket_filter", "1", "51") == "DONE"
    for family, protocol in (("16", "6"), ("17", "0"), ("2", "1")):
        assert outside("socket_of", family, protocol) == "DONE"
    with subprocess.Popen(["sleep", "600"]) as sleep:  # who is attached to stays stopped
        assert outside("attach", str(sleep.pid)) in {"DONE", "EPERM"}
        sleep.kill()
    assert outside("bpf") != "EPERM"


def test_others_processes_have_no_number_in_a_lab(arena: Arena) -> None:
    """By the numbers that the server has for them, which a lab may guess."""
    victim = str(arena.witness.lab.record["pid"])
    daemon = str(arena.runtime.pid)
    attempts = [
        [verb, pid, *rest]
        for pid in (victim, daemon)
        for verb, *rest in (
            ["attach"],
            ["peek"],
            ["kill"],
            ["open_of", "environ"],
            ["open_of", "mem"],
            ["open_of", "root/etc/shadow"],
            ["open_of", "maps"],
        )
    ]
    tries(arena, "others' /proc, ptrace, signals", attempts, "pid namespace")


def test_abstract_sockets_of_the_server_are_not_there(arena: Arena) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0slipway-test-abstract")
        listener.listen()
        with socket.socket(socket.AF_UNIX) as control:
            control.connect("\0slipway-test-abstract")
        attempts = [["abstract_sockets"], ["connect_abstract", "slipway-test-abstract"]]
        tries(arena, "abstract unix sockets", attempts, "network namespace")


def test_the_servers_own_sockets_are_not_there(arena: Arena) -> None:
    path = arena.runtime.instance.run_path
    attempts = [["listed", f"{path}*"], ["listed", "/run/slipway*"], ["listed", f"{path}/*"]]
    tries(arena, "the runtime's sockets", attempts, "mount namespace")
