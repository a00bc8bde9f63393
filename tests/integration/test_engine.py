"""Containers within a lab: what a learner does with podman, and with docker's command for it."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.container import profile
from runtime.limits.files import cgroup_mounts
from runtime.network.addresses import RANGE_PREFIX
from tests.conftest import ENGINE, TOP
from tests.integration.lab_harness import Lab, done, learner
from tests.waiting import wait_for
from webapp.lesson_format import native
from webapp.workshops.rehearsing import rehearse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Server

pytestmark = pytest.mark.kernel

WEB = "echo hello from inside >/index.html; exec httpd -f -p 80 -h /"
FEW_BYTES = 1 << 20
CGROUPS = profile.load("engine").cgroups
_ON_V2 = any(
    mount.fstype == "cgroup2" and mount.path == Path("/sys/fs/cgroup") for mount in cgroup_mounts()
)
needs_v2 = pytest.mark.skipif(not _ON_V2, reason="this machine has cgroup v1")
needs_v1 = pytest.mark.skipif(_ON_V2, reason="this machine has cgroup v2")


@pytest.fixture(scope="module")
def lab(engine_runtime: Server) -> Iterator[Lab]:
    """A lab with an engine, for the tests of this file."""
    made = Lab(engine_runtime.client, "engine", image=ENGINE, profile="engine")
    yield made
    made.remove()


def page_of(lab: Lab, port: int) -> str:
    """What a web preview shows of a port of the lab."""
    with socket.socket(fileno=lab.client.lab_dial(lab.id, port)) as sock:
        sock.settimeout(20)
        connection = http.client.HTTPConnection("localhost")
        connection.sock = sock
        connection.request("GET", "/")
        return connection.getresponse().read().decode()


def test_a_fresh_lab_takes_little_of_the_disk_and_runs_busybox_without_a_network(lab: Lab) -> None:
    assert lab.record["internet"] is False
    assert done(lab, "podman run --rm busybox echo nested-ok") == "nested-ok"
    used = int(done(lab, "df --output=used -B1 /var/lib/engine | tail -1"))
    assert used < 4 * FEW_BYTES


def test_crun_starts_it_also_where_devices_are_filtered_by_a_program_of_the_kernels(
    lab: Lab, engine_runtime: Server
) -> None:
    """On cgroup v2 crun 1.8 refused, and the slower runc took its place in silence."""
    started_by = engine_runtime.instance.labs_path / lab.id / "program"
    assert started_by.read_text() == "crun"


def test_docker_is_podman_and_says_nothing_of_it(lab: Lab) -> None:
    assert done(lab, "docker run --rm busybox echo same") == "same"
    assert "podman" in done(lab, "docker --version")


def test_images_come_from_the_store_of_all_labs_which_none_can_write(lab: Lab) -> None:
    rows = json.loads(done(lab, "podman images --format json"))
    shared = [row for row in rows if row["ReadOnly"]]
    assert ["localhost/busybox:latest"] in [row["Names"] for row in shared]
    assert lab.sh("touch /var/lib/shared-images/mine").code != 0
    assert learner(lab, "podman unshare touch /var/lib/shared-images/mine").code != 0
    own = done(lab, "du -s --block-size=1 /var/lib/engine | cut -f1")
    assert int(own) < FEW_BYTES


def test_a_terminal_of_a_nested_container_is_one(lab: Lab) -> None:
    spawn = "import pty, sys; pty.spawn(sys.argv[1:])"
    shown = done(lab, f"python3 -c '{spawn}' docker run -it --rm busybox tty")
    assert "/dev/pts/0" in shown


def test_a_build_runs_and_copies_and_shares_its_layers(lab: Lab) -> None:
    lines = ["FROM busybox", "RUN echo built >/built", "COPY file /file", "CMD cat /built /file"]
    written = " ".join(f"'{line}'" for line in lines)
    done(
        lab,
        f"mkdir ~/build; cd ~/build; echo copied >file; printf '%s\\n' {written} >Containerfile",
    )
    done(lab, "docker build -t mine ~/build")
    assert done(lab, "docker run --rm mine") == "built\ncopied"
    assert "COPY file" in done(lab, "docker history mine")
    done(lab, "docker rmi mine")


def test_a_life_from_run_to_rm_with_a_port_and_a_volume(lab: Lab) -> None:
    done(lab, f"docker run -d --name web -p 8080:80 -v kept:/kept busybox sh -c '{WEB}'")
    wait_for(
        lambda: learner(lab, "curl -s http://127.0.0.1:8080/").text == "hello from inside\n",
        "the page of the nested web server",
        deadline_s=20,
    )
    assert page_of(lab, 8080) == "hello from inside\n"
    assert "web" in done(lab, "docker ps --format '{{.Names}}'")
    assert done(lab, "docker inspect -f '{{.State.Status}}' web") == "running"
    assert done(lab, "docker exec web sh -c 'echo x >/kept/file; id -u'") == "0"
    done(lab, "docker stop -t 0 web")
    assert done(lab, "docker inspect -f '{{.State.Status}}' web") == "exited"
    done(lab, "docker start web")
    assert done(lab, "docker exec web cat /kept/file") == "x"
    done(lab, "docker rm -f -t 0 web")
    assert done(lab, "docker ps -aq") == ""
    assert done(lab, "docker volume rm kept") == "kept"


def test_what_a_container_said_is_in_its_logs(lab: Lab) -> None:
    done(lab, "docker run --name said busybox echo words")
    assert done(lab, "docker logs said") == "words"
    done(lab, "docker rm said")


def test_root_of_a_nested_container_is_the_learner_outside(lab: Lab) -> None:
    done(lab, "docker run -d --name who busybox sleep 600")
    pid = done(lab, "docker inspect -f '{{.State.Pid}}' who")
    assert done(lab, f"stat -c %U /proc/{pid}") == "learner"
    inside = done(lab, "docker exec who cat /proc/self/uid_map").split()
    assert inside == ["0", "1000", "1", "1", "1", "999", "1000", "1001", "64535"]
    done(lab, "docker rm -f -t 0 who")


def test_inner_networks_meet_neither_the_labs_range_nor_a_route_of_the_servers(lab: Lab) -> None:
    address = done(lab, "podman run --rm busybox ip -4 -o addr show tap0").split()[3]
    mtu = done(lab, "podman run --rm busybox cat /sys/class/net/tap0/mtu")
    assert mtu == done(lab, "cat /sys/class/net/eth0/mtu")
    inner = address.rsplit(".", 1)[0]
    assert inner != lab.record["address"].rsplit(".", 1)[0]
    assert f"{inner}." not in lab.sh("ip route").text


def test_containers_meet_by_name_in_a_network_of_the_learners_own(lab: Lab) -> None:
    done(lab, "docker network create pair")
    done(lab, f"docker run -d --name web --network pair -p 8081:80 busybox sh -c '{WEB}'")
    asked = "docker run --rm --network pair busybox"
    wait_for(
        lambda: learner(lab, f"{asked} wget -qO- http://web/").text == "hello from inside\n",
        "the page, by its container's name",
        deadline_s=20,
    )
    assert "1 packets received" in done(lab, f"{asked} ping -c 1 web")
    assert done(lab, "curl -s http://127.0.0.1:8081/") == "hello from inside"
    done(lab, "docker rm -f -t 0 web")
    assert done(lab, "docker network rm pair") == "pair"


def test_a_network_of_the_learners_meets_no_range_of_labs_and_fits_the_way_out(lab: Lab) -> None:
    done(lab, "docker network create own")
    asked = "docker run --rm --network own busybox"
    mtu = done(lab, f"{asked} cat /sys/class/net/eth0/mtu")
    assert mtu == done(lab, "cat /sys/class/net/eth0/mtu")
    inner = ip_network(done(lab, "docker network inspect own -f '{{(index .Subnets 0).Subnet}}'"))
    by_itself = done(lab, "podman run --rm busybox ip -4 -o addr show tap0").split()[3]
    assert not inner.overlaps(ip_interface(by_itself).network)
    # The routes of the host were looked at when the lab began; another server may have come since.
    assert not inner.overlaps(ip_network(f"{lab.record['address']}/{RANGE_PREFIX}", strict=False))
    done(lab, "docker network rm own")


def test_a_network_of_the_learners_has_a_way_out_without_a_packet_filter(lab: Lab) -> None:
    lab.begin("cd /etc/skel; exec python3 -m http.server 8082")
    done(lab, "docker network create out")
    asked = "docker run --rm --network out busybox"
    address = f"http://{lab.record['address']}:8082/"
    wait_for(
        lambda: ".bashrc" in learner(lab, f"{asked} wget -qO- {address}").text,
        "a page from beyond the learner's network",
        deadline_s=20,
    )
    done(lab, "docker network rm out")


@needs_v2
def test_a_nested_container_has_limits_figures_and_a_pause_of_its_own(lab: Lab) -> None:
    limits = "--memory 32m --pids-limit 20 --cpus 0.5"
    done(lab, f"docker run -d --name held {limits} busybox sleep 600")
    files = " ".join(f"/sys/fs/cgroup/{each}" for each in ("memory.max", "pids.max", "cpu.max"))
    assert done(lab, f"docker exec held cat {files}").split() == [
        str(32 << 20), "20", "50000", "100000"
    ]  # fmt: skip
    assert "33.55MB" in done(lab, "docker stats --no-stream --format '{{.MemUsage}}' held")
    state = "docker inspect -f '{{.State.Status}}' held"
    done(lab, "docker pause held")
    assert done(lab, state) == "paused"
    done(lab, "docker unpause held")
    assert done(lab, state) == "running"
    done(lab, "docker rm -f -t 0 held")


@needs_v2
def test_a_nested_container_that_meets_its_own_limit_ends_alone_and_the_learner_reads_why(
    lab: Lab,
) -> None:
    with lab.client.follow() as feed:
        assert learner(lab, "docker run --rm --memory 32m busybox tail /dev/zero").code == 137
        while (heard := feed.receive()) and heard.body["type"] != "lab.limit":
            pass
    assert heard
    assert "a container of yours" in heard.body["sentence"]


@needs_v2
def test_a_lab_divides_its_cgroup_and_never_lifts_its_own_limits(lab: Lab) -> None:
    for user in ("learner", "root"):
        for name in ("memory.max", "pids.max", "cpu.max", "cgroup.max.descendants"):
            assert lab.sh(f"echo max >/sys/fs/cgroup/{name}", user).code != 0
    spam = "for n in $(seq 400); do mkdir /sys/fs/cgroup/spam$n || break; done 2>/dev/null"
    lab.sh(spam, "learner")
    count = int(lab.sh("ls -d /sys/fs/cgroup/spam* | wc -l").text)
    assert 100 < count < CGROUPS
    lab.sh("rmdir /sys/fs/cgroup/spam*", "learner")


@needs_v1
@pytest.mark.parametrize("verb", ["stats --no-stream", "pause"])
def test_what_a_nested_container_has_no_cgroup_for_is_said(lab: Lab, verb: str) -> None:
    done(lab, "docker run -d --name limited busybox sleep 600")
    said = learner(lab, f"docker {verb} limited")
    assert said.code != 0
    assert "cgroup" in said.text.lower()
    done(lab, "docker rm -f -t 0 limited")


@needs_v1
def test_a_limit_that_a_nested_container_cannot_have_is_said_and_it_runs(lab: Lab) -> None:
    said = done(lab, "docker run --rm --memory 32m busybox echo ran")
    assert "limits are not supported" in said
    assert said.endswith("ran")


def test_a_lab_with_an_engine_shows_the_servers_figures_and_runs_containers(
    engine_runtime: Server,
) -> None:
    """Its own would cover files of /proc, and then no container within could mount one."""
    lab = Lab(engine_runtime.client, "own", image=ENGINE, profile="engine", own_figures=True)
    assert done(lab, "podman run --rm busybox echo nested-ok") == "nested-ok"
    lab.remove()


def test_lab_run_takes_the_image_that_its_profile_needs(engine_runtime: Server) -> None:
    command = "podman run --rm busybox echo nested-ok"
    data = f"--data={engine_runtime.instance.data_path}"
    ran = subprocess.run(
        [sys.executable, "-m", "runtime.cli", "lab", "run", data, "--profile", "engine", "--",
         "su", "-", "learner", "-c", command],
        capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(TOP)},
    )  # fmt: skip
    assert (ran.stdout, ran.stderr) == ("nested-ok\n", "")


LESSON = """\
---
title: A container within
summary: It is kept.
minutes: 5
profile: engine
steps:
  - 01-run
---
Words.
"""
STEP = """\
---
title: Run one
takeaway: It is there.
check:
  title: It is kept
  script: checks/kept.py
hints:
  - The solution is `docker run --name kept busybox true`.
solution:
  - docker run --name kept busybox true
---
Run it.

```run
docker run --name kept busybox true
```
"""
# By the files of the learner's own engine, read from outside the lab.
CHECK = """\
#!/usr/bin/python3
import json, pathlib, sys
path = pathlib.Path("/lab/var/lib/engine/overlay-containers/containers.json")
names = [name for each in json.loads(path.read_text()) for name in each["names"]] \\
    if path.exists() else []
print("Expected: a container called kept")
print("Found:", ", ".join(names) or "none")
sys.exit("kept" not in names)
"""


def test_a_lesson_of_the_profile_is_played_and_its_check_sees_the_container(
    engine_runtime: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "an-engine"
    (folder / "checks").mkdir(parents=True)
    (folder / "lesson.md").write_text(LESSON)
    (folder / "01-run.md").write_text(STEP)
    (folder / "checks/kept.py").write_text(CHECK)
    (step,) = rehearse(engine_runtime.client, native.load(folder))
    assert step.faults == []
    assert step.found == ["none", "kept"]
