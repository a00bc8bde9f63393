"""What web, pump and previews can reach, and what becomes of them when they die."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from runtime import rights
from runtime.cli import upgrade
from runtime.problems import Problem
from tests.conftest import cli
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.conftest import Server


def child_of(server: Server, *words: str) -> int:
    """The supervisor's child that runs `python -m WORDS`; 0 while there is none."""
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for pid in children:
        try:
            argv = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if [word.decode() for word in argv[2 : 2 + len(words)]] == list(words):
            return int(pid)
    return 0


def web_of(server: Server) -> int:
    return wait_for(lambda: child_of(server, "webapp"), "the web")


def pump_of(server: Server) -> int:
    return wait_for(lambda: child_of(server, "webapp.terminals"), "the pump")


def preview_of(server: Server) -> int:
    return wait_for(lambda: child_of(server, "webapp.preview"), "the previews")


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def as_process(pid: int, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command where and as whom a process runs."""
    status = status_of(pid)
    enter = ["nsenter", f"--target={pid}", "--mount", "--"]
    uid, gid = status["Uid"].split()[0], status["Gid"].split()[0]
    become = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    drop = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"]
    return subprocess.run(
        [*enter, *become, *drop, *argv], capture_output=True, text=True, check=False
    )


def writable_mounts(pid: int) -> set[str]:
    lines = Path(f"/proc/{pid}/mounts").read_text().splitlines()
    return {line.split()[1] for line in lines if "rw" in line.split()[3].split(",")}


def get(server: Server, path: str) -> int:
    with urllib.request.urlopen(f"{server.url}{path}", timeout=30) as answer:
        return int(answer.status)


@pytest.mark.parametrize("find", [web_of, pump_of, preview_of])
def test_neither_web_nor_pump_has_a_capability_or_a_way_to_get_one(
    server: Server, find: object
) -> None:
    assert callable(find)
    status = status_of(find(server))
    assert {status[kind] for kind in CAPABILITIES} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert status["Groups"] == ""
    assert int(status["Uid"].split()[0]) >= 0x40000000


def test_web_pump_and_previews_are_three_users(server: Server) -> None:
    pids = (web_of(server), pump_of(server), preview_of(server))
    assert len({status_of(pid)["Uid"] for pid in pids}) == 3


def test_the_web_can_write_its_data_and_a_private_tmp_and_nothing_else(server: Server) -> None:
    run = server.instance.run_path
    assert writable_mounts(web_of(server)) == {"/tmp", f"{run}/data/web"}
    assert writable_mounts(pump_of(server)) == {"/tmp", f"{run}/pump"}
    assert writable_mounts(preview_of(server)) == {"/tmp", f"{run}/preview"}


@pytest.mark.parametrize(
    "folder",
    ["/", "/etc", "/root", "/usr", "/var/tmp", "/var/lib", "/run", "/dev/shm", "/sys/fs/cgroup"],
)
def test_a_file_of_the_webs_can_not_be_made_elsewhere(server: Server, folder: str) -> None:
    made = as_process(web_of(server), "touch", f"{folder}/slipway-was-here")
    assert made.returncode != 0
    assert not Path(folder, "slipway-was-here").exists()


def test_a_file_of_the_webs_can_be_made_where_it_may(server: Server) -> None:
    data = server.instance.run_path / "data/web/slipway-was-here"
    for path in (data, Path("/tmp/slipway-was-here")):
        made = as_process(web_of(server), "touch", str(path))
        assert made.returncode == 0, made.stderr
    assert not Path("/tmp/slipway-was-here").exists()
    (server.instance.web_path / "slipway-was-here").unlink()


def test_the_web_sees_neither_images_nor_labs_nor_the_keeper(server: Server) -> None:
    web = web_of(server)
    assert as_process(web, "ls", str(server.instance.data_path)).returncode != 0
    assert as_process(web, "ls", str(server.instance.labs_path)).returncode != 0
    keeper = as_process(
        web, "/usr/bin/python3", "-c", f"{CONNECT}connect({str(server.instance.keeper_socket)!r})"
    )
    assert "PermissionError" in keeper.stderr


CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
CONNECT = "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)."


@pytest.mark.parametrize("find", [web_of, pump_of, preview_of])
def test_nothing_of_the_operators_is_open_in_them(server: Server, find: object) -> None:
    assert callable(find)
    links = [str(path.readlink()) for path in Path(f"/proc/{find(server)}/fd").iterdir()]
    allowed = ("socket:", "pipe:", "anon_inode:", "/dev/null", "/memfd:slipway-ring", "/dev/pts/")
    own = str(server.instance.run_path / "data/web")
    assert [link for link in links if not link.startswith((*allowed, own))] == []


def test_the_pump_goes_before_labs_and_the_web_does_not(server: Server) -> None:
    pump, web = pump_of(server), web_of(server)
    urgent = os.sched_getscheduler(pump) & ~os.SCHED_RESET_ON_FORK
    assert urgent == os.SCHED_RR or os.getpriority(os.PRIO_PROCESS, pump) < 0
    assert os.sched_getscheduler(web) == os.SCHED_OTHER
    assert os.getpriority(os.PRIO_PROCESS, web) == os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize(("process", "find"), [("web", web_of), ("pump", pump_of)])
def test_what_is_killed_is_started_again_and_labs_live(
    server: Server, process: str, find: object
) -> None:
    assert callable(find)
    lab = server.client.lab_create(key="k", image="slipway/base", until=time.time() + 600)
    old = find(server)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: find(server) not in {0, old}, f"a new {process}")
    assert get(server, "/healthz") == 200
    assert server.client.lab_get(lab["lab"])["pid"] == lab["pid"]
    server.client.lab_remove(lab["lab"])


def test_a_visitor_who_comes_while_the_web_is_down_waits_and_is_served(server: Server) -> None:
    os.kill(web_of(server), signal.SIGKILL)
    assert get(server, "/healthz") == 200


@pytest.mark.parametrize("process", ["web", "pump", "preview", "runtime"])
def test_each_process_can_be_restarted_by_its_name(server: Server, process: str) -> None:
    words = {
        "web": ["webapp"],
        "pump": ["webapp.terminals"],
        "preview": ["webapp.preview"],
        "runtime": ["runtime", "serve"],
    }
    old = wait_for(lambda: child_of(server, *words[process]), process)
    lab = server.client.lab_create(key="k", image="slipway/base", until=time.time() + 600)
    restarted = cli(server, "restart", process)
    assert restarted.returncode == 0, restarted.stderr
    assert child_of(server, *words[process]) not in {0, old}
    server.client.wait_ready(30)
    assert server.client.lab_get(lab["lab"])["pid"] == lab["pid"]
    server.client.lab_remove(lab["lab"])


def test_an_upgrade_whose_web_never_answers_has_failed_and_says_the_way_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = web_of(server)

    def start_anew(*_: object, **__: object) -> None:
        os.kill(web, signal.SIGSTOP)  # as one that hangs as it begins

    monkeypatch.setattr(upgrade, "_start_anew", start_anew)
    monkeypatch.setattr(upgrade, "READY_S", 2.0)
    words = ["--data", str(server.instance.data_path), "--fetched"]
    try:
        done = CliRunner().invoke(upgrade.command, words)
    finally:
        os.kill(web, signal.SIGCONT)
    assert isinstance(done.exception, Problem)
    assert done.exception.code == "upgrade-failed"
    assert "git reset --hard ORIG_HEAD" in done.exception.hint


def test_a_verb_waits_for_a_runtime_that_starts_again(server: Server) -> None:
    os.kill(wait_for(lambda: child_of(server, "runtime", "serve"), "the runtime"), signal.SIGKILL)
    listed = cli(server, "lab", "list")
    assert (listed.returncode, listed.stderr) == (0, "")
    server.client.wait_ready(30)


def test_a_restart_of_nothing_is_refused_by_name(server: Server) -> None:
    assert cli(server, "restart", "keeper").returncode == 2


def test_the_runtime_holds_the_rights_that_labs_need_and_no_other(server: Server) -> None:
    runtime_pid = wait_for(lambda: child_of(server, "runtime", "serve"), "the runtime")
    needed = sum(1 << number for number in {**rights.CAPABILITIES, **rights.WELCOME}.values())
    status = status_of(runtime_pid)
    for kind in ("CapPrm", "CapEff", "CapBnd"):
        assert int(status[kind], 16) & ~needed == 0
    assert int(status["CapInh"], 16) == 0
