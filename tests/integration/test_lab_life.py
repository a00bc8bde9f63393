"""A lab ends without a trace, whoever ends it and however far it came."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.client import Problem
from runtime.limits import ids
from tests.integration.lab_harness import Lab, place_of, read_until
from tests.leftovers import lives, loop_devices_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.image.store import Image
    from tests.conftest import Server


@pytest.fixture
def lab(runtime: Server) -> Iterator[Lab]:
    made = Lab(runtime.client, "learner-9")
    yield made
    made.remove()


def left_of(server: Server) -> list[str]:
    """Every trace of any lab of this server."""
    instance = server.instance
    owners = [owner for owner in ids.claimed().values() if owner.startswith(f"{instance.id}/")]
    found = [f"ids {owner}" for owner in owners if not owner.endswith("/instance")]
    found += [f"folder {path}" for path in instance.labs_path.iterdir()]
    found += [f"cgroup {name}" for name in place_of(instance).labs()]
    for folder in ("crun", "console", "roots"):
        path = instance.run_path / folder
        if path.is_dir():
            found += [f"file {each}" for each in path.iterdir() if each.name != ".cache"]
    return found


@pytest.mark.kernel
def test_nothing_is_left_of_a_lab_that_ended(runtime: Server, lab: Lab) -> None:
    lab.begin("sleep 1000 & exec setsid sleep 1001")
    wait_for(lambda: lab.programs().count("sleep") == 2, "both sleeps")
    assert lab.run("pkill", "-STOP", "-f", "sleep 1000").code == 0
    deep = "import os\nfor n in range(2000):\n    os.mkdir('d'); os.chdir('d')"
    assert lab.run("python3", "-c", deep).code == 0
    pids = [each["pid"] for each in lab.client.lab_processes(lab.id)]
    lab.remove()
    assert left_of(runtime) == []
    with pytest.raises(Problem, match="no lab"):
        lab.client.lab_get(lab.id)
    wait_for(lambda: not any(lives(pid) for pid in pids), "its processes to have ended")


@pytest.mark.kernel
def test_the_runtime_waits_for_what_engines_leave_behind(runtime: Server, lab: Lab) -> None:
    """Else a lab ends only when process 1 has waited for its shells, which may take seconds."""

    def orphans() -> dict[str, int]:
        listed = lab.client.lab_processes(lab.id)
        return {
            each["comm"]: each["pid"] for each in listed if parent_of(each["pid"]) == runtime.pid
        }

    wait_for(lambda: set(orphans()) == {"init", "bash"}, "process 1 and the shell")
    shell = orphans()["bash"]
    os.kill(shell, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{shell}").exists(), "nothing left of the shell")
    assert lab.run("false").code == 1  # who waits for a program of theirs still hears its end


def parent_of(pid: int) -> int:
    """The process that its end is told to."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


@pytest.mark.kernel
def test_who_was_moved_elsewhere_ends_with_its_lab(runtime: Server, lab: Lab) -> None:
    lab.begin("exec setsid sleep 1002")
    wait_for(lambda: "sleep" in lab.programs(), "the sleep")
    found = {each["comm"]: int(each["pid"]) for each in lab.client.lab_processes(lab.id)}
    for top in tops_of_cgroups():
        (top / "cgroup.procs").write_text(str(found["sleep"]))
    assert "sleep" not in lab.programs()
    lab.remove()
    wait_for(lambda: not lives(found["sleep"]), "its end")
    assert left_of(runtime) == []


def tops_of_cgroups() -> list[Path]:
    """The topmost cgroup of each hierarchy that limits something."""
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        return [top]
    return [
        top / name for name in ("memory", "pids", "freezer", "cpu,cpuacct") if (top / name).is_dir()
    ]


def test_to_end_a_lab_twice_is_to_end_it_once(lab: Lab) -> None:
    lab.remove()
    lab.remove()


def test_the_same_key_gives_the_same_lab(runtime: Server, lab: Lab) -> None:
    again = Lab(runtime.client, "learner-9")
    assert again.id == lab.id
    assert [each["lab"] for each in runtime.client.lab_list()] == [lab.id]


@pytest.mark.kernel
def test_a_lab_that_takes_anothers_place_is_fresh_and_made_once(runtime: Server, lab: Lab) -> None:
    """The key is never without a lab that counts, so nobody else gets its place."""
    assert lab.sh("touch /old").code == 0
    with runtime.client.follow(0) as feed:
        fresh = Lab(runtime.client, "learner-9", replaces=lab.id)
        again = Lab(runtime.client, "learner-9", replaces=lab.id)
        news = []
        while "lab.ready" not in news:
            packet = feed.receive()
            assert packet is not None
            news.append(f"{packet.body['type']} {packet.body.get('reason', '')}".strip())
    try:
        assert fresh.id == again.id != lab.id
        assert news == ["lab.ended replaced", "lab.ready"]
        assert fresh.sh("ls /old").code != 0
        assert [each["lab"] for each in runtime.client.lab_list()] == [fresh.id]
    finally:
        fresh.remove()
    assert left_of(runtime) == []


def test_what_prepares_a_lab_runs_as_its_learner_and_not_for_longer_than_allowed(lab: Lab) -> None:
    script = "cd\nid -un >who\npwd >>who\necho 1 >&9\nfalse\nsleep 1000 9>&- &\necho 2 >&9\n"
    told: list[dict[str, int]] = []
    ran = lab.client.lab_prepare(
        lab.id, f"{script}sudo -n id -u >>who", timeout_s=60, told=told.append
    )
    assert ran == {"code": 0, "is_over": False}
    assert told == [{"done": 1}, {"done": 2}]
    assert lab.sh("cat /home/learner/who").text.split() == ["learner", "/home/learner", "0"]
    assert lab.programs().count("sleep") == 1  # what it left in the background goes on
    late = lab.client.lab_prepare(lab.id, "exec sleep 2000", timeout_s=1)
    assert late["is_over"] is True
    wait_for(lambda: lab.programs().count("sleep") == 1, "the end of what took too long")


@pytest.mark.kernel
def test_a_paused_lab_spends_nothing_refuses_and_goes_on_where_it_was(
    runtime: Server, lab: Lab
) -> None:
    lab.begin("while :; do :; done")
    wait_for(lambda: spent_s(lab) > 0.2, "a program that works")
    assert lab.client.lab_pause(lab.id, is_paused=True)["is_paused"] is True
    wait_for(lambda: stands_still(lab), "a lab that spends nothing")
    before = spent_s(lab)
    for refused in (lambda: lab.sh("true"), lambda: lab.client.terminal_open(lab.id)):
        with pytest.raises(Problem) as caught:
            refused()
        assert caught.value.code == "lab-paused"
    runtime.stop(signal.SIGKILL)
    runtime.start()
    assert lab.client.lab_get(lab.id)["is_paused"] is True
    assert spent_s(lab) == before
    assert lab.client.lab_pause(lab.id, is_paused=False)["is_paused"] is False
    wait_for(lambda: spent_s(lab) > before + 0.3, "the same program at work")


def test_a_lab_that_is_paused_ends_as_any_other(runtime: Server, lab: Lab) -> None:
    lab.begin("exec sleep 1000")
    lab.client.lab_pause(lab.id, is_paused=True)
    lab.remove()
    assert [each for each in left_of(runtime) if lab.id in each] == []


def spent_s(lab: Lab) -> float:
    """Processor time of all that ran in it."""
    return float(lab.client.lab_usage(lab.id)["cpu_seconds"])


def stands_still(lab: Lab) -> bool:
    """Whether it spends nothing while we ourselves are at work for a third of a second."""
    before, own = spent_s(lab), time.process_time()
    while spent_s(lab) == before:
        if time.process_time() - own > 0.3:
            return True
    return False


def test_a_lab_ends_by_itself_when_its_time_is_over(runtime: Server, lab: Lab) -> None:
    lab.client.lab_extend(lab.id, time.time() + 0.2)
    wait_for(lambda: not runtime.client.lab_list(), "the end of the lab")
    wait_for(lambda: not left_of(runtime), "no trace of it")


@pytest.mark.kernel
def test_a_lab_whose_process_1_is_gone_ends_with_a_reason(runtime: Server, lab: Lab) -> None:
    with runtime.client.follow(0) as feed:
        lab.run("kill", "-TERM", "1")
        while True:
            packet = feed.receive()
            assert packet is not None
            if packet.body["type"] == "lab.ended":
                break
    assert packet.body["reason"] == "died"
    assert left_of(runtime) == []


def test_a_lab_that_could_not_start_leaves_nothing(runtime: Server, base_image: Image) -> None:
    """Its image has no shell, so all but the last step had been done."""
    broken = runtime.instance.images_path / "broken"
    (broken / "rootfs" / "etc").mkdir(parents=True)
    (broken / "rootfs" / "home" / "learner").mkdir(parents=True)
    shutil.copy(base_image.rootfs_path.parent / "image.json", broken / "image.json")
    try:
        with pytest.raises(Problem) as raised:
            Lab(runtime.client, "unlucky", image="broken")
        assert raised.value.code in {"container-exec", "terminal-failed"}
        assert left_of(runtime) == []
        assert runtime.client.status()["labs"] == 0
    finally:
        shutil.rmtree(broken)


def test_a_lab_without_its_network_leaves_nothing_though_its_container_ran(
    runtime: Server, lab: Lab
) -> None:
    slot = int(IPv4Address(lab.record["address"])) & 0xFFF  # of a /20
    (router,) = {
        net.readlink(): net
        for net in Path(f"/proc/{runtime.pid}/task").glob("*/ns/net")
        if net.readlink() != Path(f"/proc/{runtime.pid}/ns/net").readlink()
    }.values()
    in_router = ["nsenter", f"--net={router}", "ip", "link"]
    taken = [*in_router, "add", "taken", "index", str(1000 + slot + 1), "type", "veth"]
    subprocess.run(taken, check=True)
    with pytest.raises(Problem) as raised:
        Lab(runtime.client, "unconnected")
    assert raised.value.code == "network-unavailable"
    subprocess.run([*in_router, "del", "taken"], check=True)
    lab.remove()
    assert left_of(runtime) == []


@pytest.mark.parametrize("after_s", [0.005, 0.015, 0.03, 0.06])
def test_a_server_killed_while_it_makes_a_lab_cleans_up_when_it_is_back(
    runtime: Server, after_s: float
) -> None:
    def create() -> None:
        with suppress(Problem):  # the server is gone before it can answer
            Lab(runtime.client, "interrupted")

    caller = threading.Thread(target=create)
    caller.start()
    select.select([], [], [], after_s)  # the moment is what is tested, not waited for
    runtime.stop(signal.SIGKILL)
    caller.join()
    runtime.start()
    for each in runtime.client.lab_list():  # it was quick enough to be whole
        runtime.client.lab_remove(each["lab"])
    assert left_of(runtime) == []


def test_a_hundred_killed_starts_leave_no_loop_device_no_ids_and_no_cgroup(
    runtime: Server,
) -> None:
    killed = 0
    while killed < 100:
        with suppress(Problem), starters_killed(runtime.pid) as pids:
            Lab(runtime.client, "killed").remove()
        killed += len(pids)
    wait_for(lambda: not loop_devices_of(runtime.instance), "no loop device")
    assert left_of(runtime) == []
    lab = Lab(runtime.client, "after-them")
    assert lab.run("df", "--output=target", "/").text.split()[-1] == "/"
    lab.remove()


@contextmanager
def starters_killed(runtime_pid: int) -> Iterator[set[int]]:
    """Kill whatever starts a container meanwhile, as the kernel does when memory is short."""
    is_over, killed = threading.Event(), set[int]()

    def run() -> None:
        while not is_over.is_set():
            for task in Path(f"/proc/{runtime_pid}/task").iterdir():
                with suppress(OSError):
                    for pid in map(int, (task / "children").read_text().split()):
                        if b"\0run\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                            os.kill(pid, signal.SIGKILL)
                            killed.add(pid)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join()


def test_a_server_killed_while_it_opens_a_terminal_leaves_no_socket_to_the_next(
    runtime: Server,
) -> None:
    runtime.stop(signal.SIGKILL)
    left = runtime.instance.run_path / "console" / "0123abcd-89abcdef"
    left.mkdir()
    (left / "console").touch()
    runtime.start()
    assert left_of(runtime) == []


@pytest.mark.kernel
def test_a_terminal_belongs_to_who_types_in_it(runtime: Server) -> None:
    lab = Lab(runtime.client, "whose-terminal")
    assert lab.run("stat", "--format=%U", "/dev/pts/0").text == "learner\n"
    assert lab.sh("echo x > /dev/pts/0", user="learner").code == 0
    lab.remove()


@pytest.mark.kernel
def test_ctrl_s_stops_no_terminal(runtime: Server) -> None:
    lab = Lab(runtime.client, "saved-by-reflex")
    stream = lab.client.terminal_stream(f"{lab.id}.1")
    os.write(stream, b"echo g''o; cat\n")
    read_until(stream, b"go\r\n")
    os.write(stream, b"\x13seen\n")
    read_until(stream, b"seen")
    os.close(stream)
    lab.remove()
