"""A real docker on the same host, before us and after us: each gets its packets through."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.network_world import SOMEWHERE, World
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not shutil.which("dockerd"), reason="docker isn't installed here")

LEGACY = "/usr/sbin/xtables-legacy-multi"
# What `iptables` means on a host is its administrator's choice.
KINDS = pytest.mark.parametrize(
    "iptables", ["/usr/sbin/xtables-nft-multi", LEGACY], ids=["nft", "legacy"]
)
START = """
mount --make-rprivate /
mount --bind "$2" /usr/sbin/xtables-nft-multi
umount -l /sys/fs/cgroup/unified 2>/dev/null
exec dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" \
  -H "unix://$1/sock" --storage-driver vfs --userland-proxy=false
"""


@contextmanager
def docker(world: World, folder: Path, iptables: str) -> Iterator[None]:
    """The daemon, in the world's host; its chains stay when it ends, as they do."""
    net = f"--net=/proc/{os.getpid()}/fd/{world.host.netns.fd}"
    words = ["nsenter", net, "unshare", "--mount", "sh", "-c", START, "sh", str(folder), iptables]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        wait_for(lambda: is_up(folder, daemon), "docker", deadline_s=60)
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)


def is_up(folder: Path, daemon: subprocess.Popen[bytes]) -> bool:
    assert daemon.poll() is None, (folder / "log").read_text()[-2000:]
    asked = ["docker", "-H", f"unix://{folder}/sock", "version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("docker")


def saved(world: World, iptables: str) -> list[str]:
    """All rules and policies, without their counts."""
    text = world.host.sh(iptables, "iptables-save") + world.host.sh(iptables, "ip6tables-save")
    return [line.split(" [")[0] for line in text.splitlines() if line[0] in ":-"]


@KINDS
def test_a_lab_gets_out_where_docker_was_first(world: World, folder: Path, iptables: str) -> None:
    with docker(world, folder, iptables):
        before = saved(world, iptables)
        assert ":FORWARD DROP" in before
        router, lab, other = world.router(), world.place(), world.place()
        router.attach("aaaaaaaa", lab.netns.fd, internet=True)
        there = router.attach("bbbbbbbb", other.netns.fd, internet=False)
        other.listens()
        assert lab.reaches(SOMEWHERE) == "open"
        assert lab.reaches(there) == "refused"
        assert other.reaches(SOMEWHERE) == "refused"
        world.down(router)
        assert saved(world, iptables) == before
    assert "slip" not in world.host.sh("nft", "list", "ruleset")
    assert world.host.sh("sysctl", "-n", "net.ipv4.ip_forward") == "1\n"


@KINDS
def test_a_lab_still_gets_out_when_docker_comes_later_and_goes(
    world: World, folder: Path, iptables: str
) -> None:
    router, lab = world.router(), world.place()
    router.attach("aaaaaaaa", lab.netns.fd, internet=True)
    assert lab.reaches(SOMEWHERE) == "open"
    with docker(world, folder, iptables):
        assert ":FORWARD DROP" in saved(world, iptables)
        wait_for(lambda: lab.reaches(SOMEWHERE) == "open", "the way out beside docker")
        # Docker forwards for its own again: our rule that drops the rest has given way.
        wait_for(lambda: "blackhole" not in world.host.ip("rule"), "our rule to give way")
    assert lab.reaches(SOMEWHERE) == "open"
    world.down(router)
    assert "slip" not in "".join(saved(world, iptables))
