"""The OCI description of a lab, and the profile it comes from."""

from __future__ import annotations

import resource
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.container import bundle, profile
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

LEARNER = bundle.User("learner", 1000, 1000, "/home/learner", "/bin/bash")
PROFILES = Path(profile.__file__).parents[1] / "profiles"


@pytest.fixture
def described() -> bundle.Description:
    return bundle.Description(
        profile=profile.load("plain"),
        hostname="lab-0a1b2c",
        root_path=Path("/run/slipway/x/roots/0a1b2c3d"),
        uid_base=0x40000000,
        userns_path="/proc/1/fd/8",
        netns_path="/proc/1/fd/9",
        cgroup="/slipway-x/0a1b2c3d",
        memory_bytes=256 << 20,
        pids=128,
        cpu_cores=0.5,
    )


def test_swap_is_never_more_than_memory(described: bundle.Description) -> None:
    memory = bundle.config(described)["linux"]["resources"]["memory"]
    assert memory == {"limit": 256 << 20, "swap": 256 << 20}


def test_half_a_core_is_half_of_each_period(described: bundle.Description) -> None:
    assert bundle.config(described)["linux"]["resources"]["cpu"] == {
        "quota": 50_000,
        "period": 100_000,
    }


def test_every_tmpfs_has_a_size_and_a_number_of_files(described: bundle.Description) -> None:
    mounts = bundle.config(described)["mounts"]
    tmpfs = [mount for mount in mounts if mount["type"] == "tmpfs"]
    assert tmpfs
    for mount in tmpfs:
        options = " ".join(mount["options"])
        assert "size=" in options
        assert "nr_inodes=" in options


def test_a_learner_holds_no_capability_but_sudo_may_have_them() -> None:
    plain = profile.load("plain")
    capabilities = bundle.process(plain, LEARNER, ["bash"], terminal=True)["capabilities"]
    assert capabilities["effective"] == []
    assert capabilities["permitted"] == []
    assert "CAP_SETUID" in capabilities["bounding"]


def test_no_capability_reaches_the_kernel_itself() -> None:
    kept = set(profile.load("plain").capabilities)
    assert not kept & {"CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_MODULE", "CAP_MKNOD"}


def test_a_hard_limit_is_never_raised_above_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (256, 512))
    process = bundle.process(profile.load("plain"), LEARNER, ["bash"], terminal=True)
    files = next(limit for limit in process["rlimits"] if limit["type"] == "RLIMIT_NOFILE")
    assert files == {"type": "RLIMIT_NOFILE", "soft": 512, "hard": 512}


def reasons(entries: dict[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """Every entry's reason: its text, or the one beside its value; tables are looked into."""
    for name, entry in entries.items():
        if isinstance(entry, str):
            yield f"{where}.{name}", entry
        elif "reason" in entry:
            yield f"{where}.{name}", entry["reason"]
        else:
            yield from reasons(entry, f"{where}.{name}")


def test_every_line_of_a_profile_has_its_reason() -> None:
    for path in PROFILES.glob("*.toml"):
        raw = tomllib.loads(path.read_text())
        tables = {name: entry for name, entry in raw.items() if isinstance(entry, dict)}
        for where, reason in reasons(tables, path.name):
            assert len(reason) > 8, where


def test_engine_adds_no_capability_to_plain() -> None:
    assert profile.load("engine").capabilities == profile.load("plain").capabilities


def test_engine_covers_nothing_of_proc_and_sys(described: bundle.Description) -> None:
    linux = bundle.config(replace(described, profile=profile.load("engine")))["linux"]
    assert (linux["maskedPaths"], linux["readonlyPaths"]) == ([], [])
    assert linux["rootfsPropagation"] == "shared"
    assert "rootfsPropagation" not in bundle.config(described)["linux"]


def test_a_device_is_allowed_and_bound_where_a_profile_has_it(
    described: bundle.Description,
) -> None:
    node = Path("/dev/null")
    config = bundle.config(replace(described, devices={"/dev/net/tun": node}))
    denied, allowed = config["linux"]["resources"]["devices"]
    assert denied == {"allow": False, "access": "rwm"}
    assert (allowed["major"], allowed["minor"], allowed["access"]) == (1, 3, "rw")
    assert [m["source"] for m in config["mounts"] if m["destination"] == "/dev/net/tun"] == [
        str(node)
    ]


def test_a_profile_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(Problem, match=r"Choose one of: .*plain"):
        profile.load("../plain")
