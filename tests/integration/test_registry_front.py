"""The registry's front before Debian's docker-registry: whose an image is, how much, how often.

Labs are addresses of the loopback here, and what the runtime would say of them is made up; the same
with real labs is in test_registry.py.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from runtime.problems import Problem
from runtime.protocol import Descriptors, Packet
from runtime.registry import asks, searching
from runtime.registry import mirror as mirrors
from runtime.registry.front import Front
from runtime.registry.housekeeping import Housekeeping
from runtime.registry.mirror import Mirror
from runtime.registry.quota import Quota
from runtime.registry.shelf import Shelf
from tests.integration.registries import INDEX, MANIFEST, Made, described, digest_of, layer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUOTA = 2 << 20
MIRROR = 3 << 20
BEN, CHI = "127.0.0.1", "127.0.0.2"
OWN = {BEN: "lab-bbbbbb", CHI: "lab-cccccc"}
SMALL = Made([layer({"bin/sh": b"#", "small": os.urandom(100_000)})])
BIG = Made([layer({"big": os.urandom(QUOTA)})])


class Runtime:
    """What the front asks the runtime; counts how often it was asked for an image."""

    def __init__(self) -> None:
        self.images: dict[str, Made] = {"library/small": SMALL}
        self.variants: tuple[str, bytes] = ("", b"")
        self.asked: list[str] = []
        self.refusal: Problem | None = None
        self.living = set(OWN.values())

    def registry_who(self, address: str) -> dict[str, Any]:
        """Each address of the loopback is a lab."""
        return {"lab": address, "own": OWN[address], "asks": True}

    def registry_names(self) -> list[str]:
        """What an instructor has fetched, and what labs bring along."""
        return ["library/php", "localhost/busybox"]

    def registry_gone(self, names: list[str]) -> list[str]:
        """Those that aren't said to live."""
        return [name for name in names if name not in self.living]

    @contextmanager
    def registry_lend(self, _lab: str, name: str, tag: str, has: str) -> Iterator[Any]:
        """An image's files, or why not."""
        self.asked.append(name)
        if self.refusal:
            raise self.refusal
        made = self.images[name]
        parts = [(digest, "", raw) for digest, raw in made.blobs.items()]
        parts.append(
            (f"sha256:{hashlib.sha256(made.manifest).hexdigest()}", MANIFEST, made.manifest)
        )
        if tag == self.variants[0]:
            parts.append((tag, INDEX, self.variants[1]))
        yield Feed([] if parts[-1][0] == has else parts)


class Feed:
    """An answer in events, as the client gives it."""

    def __init__(self, parts: list[tuple[str, str, bytes]]) -> None:
        self._parts = parts

    def receive(self) -> Packet | None:
        """The next file."""
        if not self._parts:
            return None
        digest, kind, raw = self._parts.pop(0)
        fd = os.memfd_create("part")
        os.write(fd, raw)
        return Packet({"digest": digest, "media_type": kind}, Descriptors([fd]))


class World:
    """A front, what is behind it, and where it is."""

    def __init__(self, folder: Path) -> None:
        self.runtime = Runtime()
        self.pushed, kept = Shelf(folder / "pushed"), Shelf(folder / "mirror")
        self.processes = [self.pushed.start(), kept.start()]
        client: Any = self.runtime
        self.quota = Quota(self.pushed, folder, QUOTA)
        self.house = Housekeeping(self.pushed, self.quota, client, self.processes)
        self.kept = kept
        self.mirror = Mirror(kept, client, MIRROR)
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.listener = listener
        self.front = Front(listener, client, self.mirror, self.pushed, self.quota)
        threading.Thread(target=self.front.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """End all of it."""
        self.front.shutdown()
        self.listener.close()
        for process in self.processes:
            process.kill()
            process.wait()

    def ask(self, path: str, who: str = BEN, method: str = "GET") -> tuple[int, str]:
        """Status and text of one request by a lab."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60, source_address=(who, 0)
        )
        try:
            connection.request(method, f"/v2/{path}", headers={"Accept": f"{MANIFEST}, {INDEX}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def found(self, target: str, who: str = BEN, host: str = asks.PLACE) -> list[str]:
        """The names that a search by a lab finds."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=60, source_address=(who, 0)
        )
        try:
            connection.request("GET", target, headers={"Host": host})
            said = json.loads(connection.getresponse().read())
            return said.get("repositories") or [each["name"] for each in said["results"]]
        finally:
            connection.close()

    def push(self, archive: Path, name: str) -> subprocess.CompletedProcess[str]:
        """As an engine of Ben's pushes."""
        argv = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci-archive:{archive}"]
        return subprocess.run(
            [*argv, f"docker://127.0.0.1:{self.port}/{name}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A registry of one test's own."""
    made = World(tmp_path / "registry")
    yield made
    made.close()


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """An image in an archive."""
    SMALL.write_archive(tmp_path / "small.tar")
    return tmp_path / "small.tar"


def test_what_one_pushes_is_theirs_and_nobody_elses(world: World, small: Path) -> None:
    pushed = world.push(small, f"{OWN[BEN]}/hello:1")
    assert pushed.returncode == 0, pushed.stderr
    status, text = world.ask(f"{OWN[BEN]}/hello/manifests/1")
    assert (status, json.loads(text)["mediaType"]) == (200, MANIFEST)
    status, text = world.ask(f"{OWN[BEN]}/hello/manifests/1", who=CHI)
    assert status == 403
    assert f"Yours begin with {OWN[CHI]}" in text


def test_a_search_finds_what_is_here_and_nothing_of_anybody_elses(
    world: World, small: Path
) -> None:
    usual = searching.PLACE
    assert world.push(small, f"{OWN[BEN]}/hello:1").returncode == 0
    world.ask("mirror/library/small/manifests/latest")
    assert world.found("/v1/search?q=PHP&n=25", host=usual) == ["library/php"]
    assert world.found("/v1/search?q=library&n=1", host=usual) == ["library/php"]
    assert world.found("/v1/search?q=hello", host=usual) == []
    assert world.found("/v1/search?q=hello") == [f"{OWN[BEN]}/hello"]
    shared = ["mirror/library/php", "mirror/library/small", "mirror/localhost/busybox"]
    assert world.found("/v2/_catalog") == [f"{OWN[BEN]}/hello", *shared]
    assert world.found("/v2/_catalog", CHI) == shared


def test_a_push_under_anothers_name_is_refused_in_the_engines_words(
    world: World, small: Path
) -> None:
    refused = world.push(small, f"{OWN[CHI]}/hello:1")
    assert refused.returncode != 0
    assert f"docker push registry:5000/{OWN[BEN]}/hello" in refused.stderr
    assert world.pushed.tops() == []


def test_a_quota_refuses_what_is_too_much_and_keeps_what_was_there(
    world: World, small: Path, tmp_path: Path
) -> None:
    BIG.write_archive(tmp_path / "big.tar")
    assert world.push(small, f"{OWN[BEN]}/hello:1").returncode == 0
    refused = world.push(tmp_path / "big.tar", f"{OWN[BEN]}/big:1")
    assert refused.returncode != 0
    assert "would take more than the 2 MB" in refused.stderr
    assert world.ask(f"{OWN[BEN]}/hello/manifests/1")[0] == 200
    assert world.ask(f"{OWN[BEN]}/big/manifests/1")[0] == 404
    assert world.pushed.used_bytes(OWN[BEN]) < 200_000
    assert world.push(small, f"{OWN[BEN]}/hello:2").returncode == 0
    assert world.pushed.sweep()
    assert world.ask(f"{OWN[BEN]}/hello/manifests/1")[0] == 200


def test_images_go_with_the_lab_that_pushed_them(world: World, small: Path) -> None:
    assert world.push(small, f"{OWN[BEN]}/hello:1").returncode == 0
    world.runtime.living.discard(OWN[BEN])
    world.house.look()
    assert world.pushed.tops() == []
    assert world.pushed.sweep()
    assert world.pushed.kept_bytes() == 0


def test_forty_who_pull_at_once_have_it_asked_for_once(world: World) -> None:
    with ThreadPoolExecutor(40) as labs:
        answers = list(
            labs.map(lambda _: world.ask("mirror/library/small/manifests/latest"), range(40))
        )
    assert {status for status, _ in answers} == {200}
    assert world.runtime.asked == ["library/small"]
    manifest = json.loads(answers[0][1])
    digest = manifest["layers"][0]["digest"]
    assert world.ask(f"mirror/library/small/blobs/{digest}", method="HEAD")[0] == 200


def test_a_list_of_variants_is_kept_by_its_digest_without_those_of_other_machines(
    world: World,
) -> None:
    other = Made([layer({"bin/sh": b"other"})], architecture="s390x")
    lines = [described(other, "s390x"), described(SMALL, "amd64")]
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": lines}).encode()
    world.runtime.variants = (digest_of(raw), raw)
    for method, said in (("HEAD", ""), ("GET", raw.decode())):
        found = world.ask(f"mirror/library/small/manifests/{digest_of(raw)}", method=method)
        assert found == (200, said)
    ours = f"mirror/library/small/manifests/{digest_of(SMALL.manifest)}"
    assert world.ask(ours) == (200, SMALL.manifest.decode())
    assert world.runtime.asked == ["library/small"]
    assert world.kept.sweep()
    assert world.ask(ours, CHI) == (200, SMALL.manifest.decode())


def test_what_was_kept_is_given_while_the_registry_refuses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "FRESH_S", 0)
    assert world.ask("mirror/library/small/manifests/latest")[0] == 200
    world.runtime.refusal = Problem("registry-limit", "It has given enough.", "Sign in.")
    assert world.ask("mirror/library/small/manifests/latest")[0] == 200
    assert len(world.runtime.asked) == 2


def test_what_was_never_kept_is_refused_with_the_reason_and_not_asked_for_by_each(
    world: World,
) -> None:
    world.runtime.refusal = Problem("registry-limit", "It has given enough.", "Sign in.")
    for who in (BEN, CHI, BEN):
        status, text = world.ask("mirror/library/other/manifests/latest", who)
        assert status == 403
        assert "It has given enough. Images that are here go on working." in text
    assert world.runtime.asked == ["library/other"]


def test_the_mirror_makes_room_by_what_was_longest_not_asked_for(world: World) -> None:
    for number in range(4):
        name = f"library/image{number}"
        world.runtime.images[name] = Made([layer({"one": os.urandom(1 << 20)})])
        assert world.ask(f"mirror/{name}/manifests/latest")[0] == 200
    assert world.kept.kept_bytes() <= MIRROR
    assert "mirror/library/image3" in world.kept.names()
    assert "mirror/library/image0" not in world.kept.names()
    assert world.ask("mirror/library/image0/manifests/latest")[0] == 200
    assert world.runtime.asked.count("library/image0") == 2
