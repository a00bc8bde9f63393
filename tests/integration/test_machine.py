"""A machine beside a container: booted from the same image, typed into, checked, ended, crashed."""

from __future__ import annotations

import io
import os
import signal
import socket
import tarfile
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.problems import Problem
from tests.integration.lab_harness import Lab, read_until
from tests.leftovers import lives
from tests.waiting import wait_for
from webapp.lesson_format.model import Beginning, Deed, DeedKind, Where
from webapp.workshops.beginning import play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

BOOT_S = 120  # on a machine that is busy and itself emulated


class Machine:
    """A lab's machine, as the web would have it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.client = lab.client

    def now(self) -> dict[str, Any]:
        """As the wire shows it."""
        found: dict[str, Any] = self.client.lab_get(self.lab.id)["machine"]
        return found

    def boot(self, how: str = "cold") -> dict[str, Any]:
        """Boot it, or take the one that lives, and wait for its prompt."""
        self.client.machine_boot(self.lab.id, how, rows=30, cols=100)
        return self.wait("ready")

    def wait(self, state: str) -> dict[str, Any]:
        """Wait until it is in a state; none but that and those on the way there."""
        wait_for(
            lambda: self.now()["state"] in {state, "failed"},
            f"a machine {state}",
            deadline_s=BOOT_S,
        )
        found = self.now()
        assert found["state"] == state, found
        return found

    def sh(self, script: str, user: str = "root") -> tuple[int, str]:
        """Run a few lines of shell in it."""
        read_fd, write_fd = os.pipe()
        with Path("/dev/null").open("rb") as nothing:
            fds = (nothing.fileno(), write_fd, write_fd)
            code = self.client.lab_exec(
                self.lab.id, ["/bin/sh", "-c", script], user=user, fds=fds, where="machine"
            )
        os.close(write_fd)
        with os.fdopen(read_fd, "rb") as said:
            return code, said.read().decode()

    def console(self) -> int:
        """The near side of its console, for the caller to close."""
        return self.client.terminal_stream(f"{self.lab.id}.m")

    def type(self, line: str, until: bytes) -> bytes:
        """Type a line on its console and read until something comes."""
        stream = self.console()
        os.write(stream, line.encode() + b"\n")
        try:
            return read_until(stream, until)
        finally:
            os.close(stream)


@pytest.fixture(scope="module")
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "beside")
    yield made
    made.remove()


@pytest.fixture
def machine(lab: Lab) -> Machine:
    """The lab's machine at its prompt; the one of the test before, if that lives."""
    found = Machine(lab)
    found.boot()
    return found


def test_a_machine_boots_the_same_files_under_a_kernel_of_its_own(machine: Machine) -> None:
    shown = machine.now()
    code, said = machine.sh("uname -r; cat /proc/sys/kernel/random/boot_id; hostname")
    release, boot_id, hostname = said.split()
    assert (code, release, boot_id) == (0, shown["release"], shown["boot_id"])
    assert boot_id != Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert hostname == shown["hostname"] != machine.lab.record["hostname"]
    files = "sha256sum /etc/passwd /bin/bash /usr/bin/python3 | sort; ls /usr/bin | wc -l"
    assert machine.sh(files)[1] == machine.lab.sh(files).text


def test_who_works_in_a_machine_gets_no_shell_beside_it_and_checks_look_into_it(
    runtime: Server,
) -> None:
    lab = Lab(runtime.client, "alone", in_machine=True)
    try:
        assert (lab.record["in_machine"], lab.record["terminals"]) == (True, [])
        with pytest.raises(Problem) as caught:
            runtime.client.terminal_open(lab.id)
        assert caught.value.code == "machine-alone"
        machine = Machine(lab)
        machine.boot()
        # Its author meant a container, which needs no such time.
        script = "#!/bin/sh\nsleep 0.2; cat /proc/sys/kernel/random/boot_id\n"
        assert lab.check(script, timeout_s=0.1)["stdout"].strip() == machine.now()["boot_id"]
        sides = [each["side"] for each in lab.client.lab_processes(lab.id)]
        assert sides.count("container") == 1
        assert_slow_hands_get_all(machine)
        assert lab.check(script, timeout_s=0.1)["stdout"].strip() == machine.now()["boot_id"]
    finally:
        lab.remove()


def assert_slow_hands_get_all(machine: Machine) -> None:
    """What was changed is packed whole for somebody slow, though a file grows meanwhile."""
    machine.sh("head -c 3M /dev/urandom >/root/noise; (while :; do date; done >/root/log) &")
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)  # as what the web lends

    def pack() -> None:
        with theirs:
            machine.client.lab_changes(machine.lab.id, theirs.fileno())

    with ThreadPoolExecutor(1) as aside, ours:
        packing = aside.submit(pack)
        time.sleep(1)  # long enough for more than the socket holds
        packed = b"".join(iter(lambda: ours.recv(1 << 16), b""))
        packing.result()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.getmember("work/root/noise").size == 3 << 20


def test_a_fresh_lab_is_brought_to_its_step_on_both_sides(machine: Machine) -> None:
    sides = ((Where.CONTAINER, "echo here"), (Where.MACHINE, "echo there; sleep 9999 & echo"))
    runs = tuple(Deed(DeedKind.RUN, f"{each} >>side", where=where) for where, each in sides)
    assert play(machine.client, machine.lab.id, Beginning("cold", runs)) == ""
    assert machine.lab.sh("cat /home/learner/side").text == "here\n"
    look = "stat -c %U side; pkill -x sleep && echo goes on"
    assert machine.sh(f"cd /home/learner; {look}")[1] == "learner\ngoes on\n"


def test_its_stages_are_told_and_add_up(machine: Machine) -> None:
    shown = machine.now()
    assert list(shown["stages_ms"]) == ["hypervisor", "kernel", "init", "shell"]
    assert all(value > 0 for value in shown["stages_ms"].values())
    assert shown["terminal"] == f"{machine.lab.id}.m"


def test_its_console_is_a_terminal_with_the_boots_messages_and_a_prompt(machine: Machine) -> None:
    machine.client.machine_end(machine.lab.id, force=True)
    machine.client.machine_boot(machine.lab.id)
    wait_for(lambda: machine.now()["stages_ms"], "a machine that boots", deadline_s=BOOT_S)
    stream = machine.console()
    said = read_until(stream, b"$ ", BOOT_S)
    os.close(stream)
    assert b"Linux version" in said
    assert b"learner@" + machine.now()["hostname"].encode() in said
    assert b"ready" in machine.type("echo re''ady; sudo id -u", b"\n0\r")


def test_its_console_follows_the_windows_size(machine: Machine) -> None:
    stream = machine.console()
    termios.tcsetwinsize(stream, (41, 133))
    os.close(stream)
    wait_for(
        lambda: machine.sh("stty size </dev/hvc0")[1] == "41 133\n",
        "the size inside",
        deadline_s=60,
    )


def test_every_byte_passes_both_ways(machine: Machine) -> None:
    read_fd, write_fd = os.pipe()
    data = bytes(range(256)) * 64
    os.write(write_fd, data)
    os.close(write_fd)
    out_read, out_write = os.pipe()
    fds = (read_fd, out_write, out_write)
    code = machine.client.lab_exec(machine.lab.id, ["cat"], fds=fds, where="machine")
    os.close(read_fd)
    os.close(out_write)
    with os.fdopen(out_read, "rb") as said:
        assert (code, said.read()) == (0, data)


def test_a_commands_exit_code_and_user_are_its_own(machine: Machine) -> None:
    assert machine.sh("exit 7")[0] == 7
    assert machine.sh("kill -9 $$")[0] == 137
    assert machine.sh("id -un; pwd", user="learner") == (0, "learner\n/home/learner\n")
    assert machine.sh("nonsense-of-ours")[0] == 127


def test_qemu_is_nobody_and_can_get_nothing(machine: Machine) -> None:
    shown = machine.now()
    status = dict(
        line.split(":\t", 1)
        for line in Path(f"/proc/{shown['pid']}/status").read_text().splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == [str(machine.lab.record["uid_base"] + 65537)] * 4
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    ours, its = (Path(f"/proc/{pid}/ns/net").stat().st_ino for pid in ("self", shown["pid"]))
    assert ours != its
    assert f"{machine.lab.id}.m" in Path(f"/proc/{shown['pid']}/cgroup").read_text()


def test_a_learner_has_a_kernel_to_make_containers_with(machine: Machine) -> None:
    script = """
        set -e
        cat /sys/fs/cgroup/cgroup.controllers
        mkdir /sys/fs/cgroup/box && echo 20M >/sys/fs/cgroup/box/memory.max
        ip netns add box && ip link add out type veth peer in netns box
        mkdir -p /tmp/l /tmp/u /tmp/w /tmp/m && mount -t tmpfs none /tmp/u
        mkdir /tmp/u/u /tmp/u/w
        mount -t overlay none -o lowerdir=/bin,upperdir=/tmp/u/u,workdir=/tmp/u/w /tmp/m
        unshare -pf --mount-proc -r sh -c 'echo inside $$'
    """
    code, said = machine.sh(script)
    assert code == 0, said
    assert "memory" in said.split("\n")[0]
    assert "inside 1" in said


def test_a_check_in_the_machine_sees_it_from_the_pristine_image(machine: Machine) -> None:
    machine.sh("echo 'echo fooled' >/usr/local/bin/cat; chmod +x /usr/local/bin/cat; "
               "echo secret >/root/kept; chmod 600 /root/kept")  # fmt: skip
    script = (
        "#!/bin/sh\ncat /lab/root/kept; id -u; touch /lab/etc/x 2>/dev/null || echo closed; "
        "python3 -c 'import json,os; print(json.load(os.fdopen(3))[\"answers\"])'; exit 3\n"
    )
    found = machine.client.lab_check(
        machine.lab.id, script, {"answers": {"q": "a"}}, where="machine"
    )
    assert found["stdout"] == "secret\n70000\nclosed\n{'q': 'a'}\n", found
    assert found["code"] == 3


def test_a_check_that_never_ends_breaks_in_its_time(machine: Machine) -> None:
    with pytest.raises(Problem) as caught:
        machine.client.lab_check(
            machine.lab.id, "#!/bin/sh\nsleep 100\n", {}, timeout_s=0.5, where="machine"
        )
    assert caught.value.code == "check-timed-out"
    wait_for(lambda: "sleep 100" not in machine.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")[1],
             "its end", deadline_s=10)  # fmt: skip


def test_its_clock_is_right_again_after_it_was_wrong(machine: Machine) -> None:
    machine.sh("date -s 2001-01-01")
    wait_for(
        lambda: abs(float(machine.sh("date +%s.%N")[1]) - time.time()) < 1, "its clock",
        deadline_s=30,
    )  # fmt: skip


def test_after_a_pause_it_goes_on_with_the_right_time(machine: Machine) -> None:
    before = machine.sh("sh -c 'while :; do :; done' >/dev/null 2>&1 & echo $!")[1]
    machine.client.lab_pause(machine.lab.id, is_paused=True)
    paused_at = time.time()
    wait_for(lambda: time.time() > paused_at + 3, "three seconds of pause")
    machine.client.lab_pause(machine.lab.id, is_paused=False)
    begun = time.time()
    shown = float(machine.sh(f"date +%s.%N; kill {before}")[1])
    assert begun - 1.5 < shown < time.time() + 1.5


def test_it_survives_a_runtime_that_is_killed(runtime: Server, machine: Machine) -> None:
    before = machine.now()
    machine.type("echo be''fore; n=7", b"before")
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert machine.now() == before
    assert b"after 7" in machine.type("echo af''ter $n", b"after 7")
    assert machine.sh("echo $((6 * 7))") == (0, "42\n")


def test_a_boot_that_a_killed_runtime_left_is_begun_anew(runtime: Server, machine: Machine) -> None:
    machine.client.machine_end(machine.lab.id, force=True)
    machine.client.machine_boot(machine.lab.id)
    pid = wait_for(lambda: machine.now()["pid"], "a boot", deadline_s=BOOT_S)
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert machine.wait("ready")["pid"] != pid
    assert not lives(pid)


def test_a_kernel_that_crashes_takes_nothing_else_and_boots_again(machine: Machine) -> None:
    stream = machine.console()
    os.write(stream, b"sudo sh -c 'echo c >/proc/sysrq-trigger'\n")
    said = read_until(stream, b"Kernel panic")
    os.close(stream)
    assert b"sysrq" in said
    shown = machine.wait("ended")
    assert shown["reason"] == "crashed"
    assert "kernel crashed" in shown["sentence"]
    assert machine.lab.sh("echo alive").text == "alive\n"
    again = machine.boot()
    assert again["boot_id"] != shown["boot_id"]
    assert again["last_end"]["reason"] == "crashed"


@pytest.mark.parametrize(("word", "said"), [("poweroff", "switched off"), ("reboot", "restarted")])
def test_a_machine_that_is_switched_off_inside_says_so(
    machine: Machine, word: str, said: str
) -> None:
    stream = machine.console()
    os.write(stream, f"sudo {word}\n".encode())
    os.close(stream)
    shown = machine.wait("ended")
    assert shown["reason"] == "halted"
    assert f"was {said} from inside" in shown["sentence"]


def test_a_qemu_that_is_killed_leaves_nothing(machine: Machine) -> None:
    pid = machine.now()["pid"]
    os.kill(pid, signal.SIGKILL)
    shown = machine.wait("ended")
    assert (shown["reason"], shown["pid"]) == ("killed", 0)
    assert not lives(pid)
    assert not list(Path("/sys/fs/cgroup").glob(f"**/{machine.lab.id}.m"))


def test_ending_it_asks_it_first_and_leaves_nothing(machine: Machine) -> None:
    pid = machine.now()["pid"]
    shown = machine.client.machine_end(machine.lab.id)
    assert (shown["state"], shown["reason"]) == ("ended", "asked")
    assert not lives(pid)
