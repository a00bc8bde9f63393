"""Two labs side by side are two places; and the root of one is nobody anywhere else."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.lab_harness import Lab, quoted
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

pytestmark = pytest.mark.kernel

FILTERED = "Seccomp:\t2\n"
# Hears of each use of the files in /dev that all programs use; says of which, when it is told to.
EAR = """
import ctypes, os, struct, time
libc, names = ctypes.CDLL(None), ("full", "null", "random", "tty", "urandom", "zero")
ear = libc.inotify_init1(os.O_NONBLOCK)
watches = {libc.inotify_add_watch(ear, f"/dev/{name}".encode(), 0xFFF): name for name in names}
open("/tmp/listens", "w").close()
while not os.path.exists("/tmp/enough"):
    time.sleep(0.05)
events, heard = os.read(ear, 1 << 20), set()
while events:
    watch, _, _, size = struct.unpack_from("iIII", events)
    heard.add(watches[watch])
    events = events[16 + size:]
with open("/tmp/heard.new", "w") as said:
    print(*sorted(heard), file=said)
os.rename("/tmp/heard.new", "/tmp/heard")
"""


@pytest.fixture(scope="module")
def labs(runtime: Server) -> Iterator[tuple[Lab, Lab]]:
    one, other = Lab(runtime.client, "learner-1"), Lab(runtime.client, "learner-2")
    yield one, other
    one.remove()
    other.remove()


def test_a_file_of_one_lab_is_not_in_another(labs: tuple[Lab, Lab]) -> None:
    one, other = labs
    assert one.sh("echo secret > ~/note && cat ~/note", "learner").text == "secret\n"
    assert other.sh("ls ~/note", "learner").code != 0


def test_a_process_of_one_lab_has_no_number_in_another(labs: tuple[Lab, Lab]) -> None:
    one, other = labs
    one.begin("exec sleep 987654")
    wait_for(lambda: "sleep" in one.programs(), "the sleep")
    assert "987654" in one.run("ps", "-ef").text
    assert "987654" not in other.run("ps", "-ef").text
    assert "sleep" not in other.programs()


def test_who_watches_the_devices_of_a_lab_hears_of_nobody_else(labs: tuple[Lab, Lab]) -> None:
    """And who isn't heard isn't held up: each watch costs whoever uses the file a little."""
    one, other = labs
    one.begin(f"exec python3 -c {quoted(EAR)}", user="root")
    wait_for(lambda: one.sh("test -e /tmp/listens").code == 0, "somebody who listens")
    use = "echo x >/dev/null; for each in zero random urandom; do head -c 1 /dev/$each; done"
    assert other.sh(f"{use} | wc -c").text == "3\n"
    subprocess.run(["sh", "-c", use], check=True, stdout=subprocess.DEVNULL)
    one.sh("head -c 1 /dev/full; touch /tmp/enough")
    wait_for(lambda: one.sh("test -e /tmp/heard").code == 0, "what they heard")
    assert one.sh("cat /tmp/heard").text == "full\n"


def test_two_labs_have_two_addresses_and_two_names(labs: tuple[Lab, Lab]) -> None:
    one, other = labs
    assert one.record["address"] in one.run("ip", "-br", "addr").text
    assert one.record["address"] != other.record["address"]
    assert one.run("hostname").text.strip() == one.record["hostname"]
    assert one.record["hostname"] != other.record["hostname"]


def test_the_ids_of_two_labs_never_meet(labs: tuple[Lab, Lab]) -> None:
    bases = sorted(lab.record["uid_base"] for lab in labs)
    assert bases[0] >= 0x40000000
    assert bases[1] - bases[0] >= 65536 + 2


def test_a_later_lab_has_the_filter_of_the_first_to_the_last_byte(
    runtime: Server, labs: tuple[Lab, Lab]
) -> None:
    """crun makes it for the first lab; to later ones it is handed ready-made."""
    instance = runtime.instance
    first, later = (
        (instance.run_path / "crun" / lab.id / "seccomp.bpf").read_bytes() for lab in labs
    )
    assert first == later != b""
    config = json.loads((instance.labs_path / labs[1].id / "config.json").read_text())
    assert base64.b64decode(config["annotations"]["run.oci.seccomp_bpf_data"]) == first
    for lab in labs:
        assert lab.sh("grep -h ^Seccomp: /proc/1/status /proc/self/status").text == FILTERED * 2
        assert "Operation not permitted" in lab.sh("unshare --user true 2>&1").text


def test_root_inside_is_nobody_outside(labs: tuple[Lab, Lab]) -> None:
    lab = labs[0]
    lab.begin("exec sleep 55", "root")
    wait_for(lambda: sleeps_of(lab), "the sleep")
    sleeps = sleeps_of(lab)
    assert [each["inner_uid"] for each in sleeps] == [0]
    assert [each["uid"] for each in sleeps] == [lab.record["uid_base"]]


def sleeps_of(lab: Lab) -> list[dict[str, Any]]:
    return [each for each in lab.client.lab_processes(lab.id) if each["args"] == "sleep 55"]


def test_a_learner_becomes_root_and_nobody_without_a_warning(labs: tuple[Lab, Lab]) -> None:
    said = labs[0].run("sudo", "id", "-un", user="learner")
    assert said.text == "root\n"
    assert labs[0].run("su", "nobody", "-s", "/bin/sh", "-c", "id -un").text == "nobody\n"


def test_root_can_add_a_user_and_give_files_away(labs: tuple[Lab, Lab]) -> None:
    said = labs[0].sh("useradd -m zoe && su zoe -c 'touch ~/mine && stat -c %U ~/mine'")
    assert said.text.endswith("zoe\n")


@pytest.mark.parametrize(
    "attempt",
    [
        "unshare --user true",
        "mount -t tmpfs none /mnt",
        "mknod /tmp/disk b 254 0",
        "hostname other",
        "echo 1 > /proc/sys/kernel/panic",
        "echo c > /proc/sysrq-trigger",
        "find /sys/fs/cgroup -name 'memory*limit*' -o -name memory.max | head -1 | xargs tee -a",
        "dmesg",
        "cat /proc/timer_list | grep -q clock",
        "swapoff -a && swapon /dev/null",
        "python3 -c 'import ctypes; exit(ctypes.CDLL(None).syscall(425, 1, None) != 0)'",
    ],
)
def test_root_inside_is_refused_what_is_the_servers(labs: tuple[Lab, Lab], attempt: str) -> None:
    assert labs[0].sh(f"({attempt}) </dev/null").code != 0


def test_the_name_of_a_lab_is_known_to_itself(labs: tuple[Lab, Lab]) -> None:
    name = labs[0].record["hostname"]
    found = labs[0].run("getent", "hosts", name).text
    assert found.split() == [labs[0].record["address"], name]


def test_a_terminal_belongs_to_the_images_user(labs: tuple[Lab, Lab]) -> None:
    shells = [each for each in labs[0].client.lab_processes(labs[0].id) if each["comm"] == "bash"]
    assert {each["inner_uid"] for each in shells} == {1000}


def test_labs_go_first_when_the_server_is_short_of_memory(labs: tuple[Lab, Lab]) -> None:
    said = labs[0].sh("cat /proc/1/oom_score_adj /proc/self/oom_score_adj")
    assert said.text.split() == ["500", "500"]
