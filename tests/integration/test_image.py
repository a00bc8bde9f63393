"""Images by the command line: a build that is stopped leaves nothing, what is here is listed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.image.store import Image, Store
from tests.conftest import lend_image
from tests.integration.lab_harness import Lab
from tests.leftovers import leftovers_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.instance import Instance
    from tests.conftest import Server

TOP = Path(__file__).resolve().parents[2]
CLI = [sys.executable, "-m", "runtime.cli", "image"]
ENVIRON = {**os.environ, "PYTHONPATH": str(TOP)}


@pytest.mark.parametrize(
    ("tell", "number"),
    [(os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)],
    ids=["ctrl-c", "term"],
)
def test_a_build_that_is_stopped_leaves_nothing_behind(
    instance: Instance, tell: Callable[[int, int], None], number: signal.Signals
) -> None:
    words = [*CLI, "build", "--data", str(instance.data_path)]
    process = subprocess.Popen(
        words, env=ENVIRON, start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    begun = instance.images_path / ".slipway+base.new/rootfs/var/cache/apt"
    wait_for(begun.exists, "the first files of the image", deadline_s=60)
    tell(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in said
    assert tool_of(process.pid) is None
    assert Store(instance.images_path).list() == []
    assert [path.name for path in instance.images_path.iterdir()] == [".lock"]
    assert leftovers_of(instance) == []


def test_what_a_build_mounts_is_gone_with_it_however_it_ends(instance: Instance) -> None:
    words = [*CLI, "build", "--data", str(instance.data_path)]
    process = subprocess.Popen(
        words, env=ENVIRON, start_new_session=True, stderr=subprocess.DEVNULL
    )
    tool = wait_for(lambda: tool_of(process.pid), "the tool to begin", deadline_s=60)
    ours, its = (Path(f"/proc/{pid}/ns/mnt").readlink() for pid in (os.getpid(), tool))
    process.kill()  # it alone: what it started ends with it
    assert process.wait(60) == -signal.SIGKILL
    assert its != ours
    wait_for(lambda: tool_of(process.pid) is None, "the end of the tool")
    wait_for(lambda: not leftovers_of(instance), "the end of what the tool mounted")


def tool_of(session: int) -> int | None:
    """The process of mmdebstrap in this session, once it runs."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if os.getsid(int(folder.name)) == session and b"/usr/bin/mmdebstrap" in words[:2]:
                return int(folder.name)
    return None


def test_an_image_that_is_here_is_listed_and_not_built_again(
    instance: Instance, base_image: Image
) -> None:
    lend_image(base_image, instance)
    data = ["--data", str(instance.data_path)]
    subprocess.run([*CLI, "build", *data], env=ENVIRON, check=True, capture_output=True)
    listed = subprocess.run(
        [*CLI, "list", "--json", *data], env=ENVIRON, check=True, capture_output=True
    )
    (row,) = json.loads(listed.stdout)
    assert (row["name"], row["kind"], row["labs"]) == ("slipway/base", "root", 0)
    assert (row["size_bytes"], row["built_at"]) == (base_image.size_bytes, base_image.built_at)


def test_the_image_holds_what_a_learner_expects(base_image: Image) -> None:
    tools = "sudo less file pstree ps man vim nano git curl jq bc lynx ssh ip strace tmux python3"
    root = base_image.rootfs_path
    missing = [
        tool
        for tool in tools.split()
        if not any(os.path.lexists(root / place / tool) for place in ("usr/bin", "usr/sbin"))
    ]
    assert missing == []
    assert (base_image.user, base_image.uid, base_image.home) == ("learner", 1000, "/home/learner")
    assert "learner ALL=" in (root / "etc/sudoers.d/learner").read_text()


def test_an_image_in_use_is_not_removed_and_one_that_is_not_leaves_nothing(
    runtime: Server, base_image: Image
) -> None:
    images = Store(runtime.instance.images_path)
    place = images.place("slipway/other")
    (place / "rootfs/etc").mkdir(parents=True)
    (place / "image.json").write_bytes((base_image.rootfs_path.parent / "image.json").read_bytes())
    (images.path / ".slipway+other.old-1/rootfs").mkdir(parents=True)
    lab = Lab(runtime.client, "user")
    words = [f"--data={runtime.instance.data_path}"]

    def image(*verb: str) -> subprocess.CompletedProcess[str]:
        argv = [*CLI, *verb, *words]
        return subprocess.run(argv, env=ENVIRON, check=False, capture_output=True, text=True)

    refused = image("rm", "slipway/base")
    assert refused.returncode == 1
    assert "One living lab is made from slipway/base." in refused.stderr
    assert images.has("slipway/base")
    assert image("rm", "slipway/other").returncode == 0
    assert image("rm", "slipway/other").returncode == 1
    assert image("gc").stderr == "removed 1\n"
    assert {path.name for path in images.path.iterdir()} <= {"slipway+base", ".lock"}
    lab.remove()
