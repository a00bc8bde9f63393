"""The server's images in labs: fetched while they live, one copy for all, and kept while used."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from runtime.client import Problem
from tests.conftest import ENGINE, cli
from tests.integration.lab_harness import Lab, done
from tests.integration.registries import Front, Made, layer
from tests.waiting import wait_for
from webapp.cli.lesson import need_images

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from runtime.image.store import Image
    from tests.conftest import Server

HOLD = (
    "import fcntl, time; file = open('/tmp/name'); fcntl.lockf(file, fcntl.LOCK_SH); "
    "open('/tmp/held', 'w'); time.sleep(99)"
)
LOCK = "/var/lib/server-images/overlay-images/images.lock"


@pytest.fixture(scope="module")
def busybox(engine_image: Image) -> Made:
    """An image that runs, with a word of its own in it."""
    program = (engine_image.rootfs_path / "bin/busybox").read_bytes()
    return Made([layer({"bin/sh": program, "bin/cat": program, "word": b"from afar\n"})])


@pytest.fixture(scope="module")
def lab(engine_runtime: Server) -> Iterator[Lab]:
    """A lab that lives before anything is fetched."""
    made = Lab(engine_runtime.client, "engine", image=ENGINE, profile="engine")
    yield made
    made.remove()


def fetch_of(server: Server, name: str) -> dict[str, Any]:
    return next(
        each for each in server.client.image_stock()["fetches"] if each["name"].endswith(name)
    )


def fetched(server: Server, name: str) -> dict[str, Any]:
    """Fetch an image and wait for its end."""
    tag = server.client.image_fetch(name)["name"]
    ends = {"here", "failed", "stopped"}
    wait_for(lambda: fetch_of(server, tag)["state"] in ends, f"the end of {name}", deadline_s=60)
    return fetch_of(server, tag)


def test_a_lab_that_lives_runs_what_is_fetched_and_holds_nobody_up(
    engine_runtime: Server, lab: Lab, busybox: Made
) -> None:
    lab.begin(f'ln -s {LOCK} /tmp/name && exec python3 -c "{HOLD}"')
    wait_for(lambda: lab.sh("test -e /tmp/held").code == 0, "the lab's lock")
    with Front(busybox).serving() as place:
        assert fetched(engine_runtime, f"http://{place}/afar")["state"] == "here"
        name = f"{place}/afar:latest"
        assert done(lab, f"podman run --rm {name} cat /word") == "from afar"
    assert lab.sh("touch /var/lib/server-images/mine").code != 0
    assert int(done(lab, "du -s --block-size=1K /var/lib/engine | cut -f1")) < 1024
    with pytest.raises(Problem) as used:
        engine_runtime.client.image_remove(name)
    assert used.value.code == "image-in-use"
    assert done(lab, f"podman run --rm {name} cat /word") == "from afar"


def test_what_an_upper_layer_replaces_or_takes_away_is_not_there_in_a_lab(
    engine_runtime: Server, lab: Lab, engine_image: Image
) -> None:
    program = (engine_image.rootfs_path / "bin/busybox").read_bytes()
    lower = {"bin/sh": program, "bin/ls": program, "d/old": b"1", "e/gone": b"1", "e/kept": b"1"}
    upper = {"d/.wh..wh..opq": b"", "d/new": b"2", "e/.wh.gone": b""}
    with Front(Made([layer(lower), layer(upper)])).serving() as place:
        assert fetched(engine_runtime, f"http://{place}/layered")["state"] == "here"
    assert done(lab, f"podman run --rm {place}/layered ls d e").split() == [
        "d:", "new", "e:", "kept",
    ]  # fmt: skip


def test_who_asks_twice_joins_the_first_and_either_can_stop_it(
    engine_runtime: Server,
) -> None:
    client = engine_runtime.client
    registry = Front(Made([layer({"large": os.urandom(200_000)})]))
    registry.day = "hold"
    with registry.serving() as place, client.follow() as feed:
        for _ in range(2):
            client.image_fetch(f"http://{place}/slow")
        wait_for(lambda: fetch_of(engine_runtime, "slow:latest")["done_bytes"], "half a layer")
        client.image_stop(f"{place}/slow:latest")
        state = ""
        while state != "stopped":
            packet = feed.receive()
            assert packet is not None
            if packet.body["type"] == "image.changed":
                state = packet.body["image"]["state"]
    assert len(registry.sent) == 1
    client.image_sweep()
    assert not [each for each in client.image_stock()["fetches"] if "slow" in each["name"]]
    assert not [row for row in client.image_list() if "slow" in row["name"]]


def test_an_image_is_built_in_a_lab_and_is_gone_when_it_is_removed(
    engine_runtime: Server, tmp_path: Path, lab: Lab
) -> None:
    folder = tmp_path / "old-php"  # of that name labs bring one along; the server's is taken
    folder.mkdir()
    (folder / "word").write_text("built here")
    lines = ["FROM busybox", "COPY word /word", "RUN test -s /word", "CMD cat /word"]
    (folder / "Containerfile").write_text("\n".join(lines))
    built = cli(engine_runtime, "image", "build", "--disk=128", str(folder))
    assert built.returncode == 0, built.stderr
    assert done(lab, "podman run --rm old-php") == "built here"
    (folder / "Containerfile").write_text("FROM busybox\nRUN exit 3\n")
    failed = cli(engine_runtime, "image", "build", "--disk=128", str(folder))
    assert failed.returncode == 1
    assert "localhost/old-php could not be built" in failed.stderr
    assert done(lab, "podman run --rm old-php") == "built here"
    assert "may be using old-php" in cli(engine_runtime, "image", "rm", "old-php").stderr
    assert [each["key"] for each in engine_runtime.client.lab_list()] == ["engine"]


def made(
    server: Server, name: str, lines: Sequence[str], until: Callable[[], bool]
) -> dict[str, Any]:
    """Have a Containerfile of these lines built as the page does, until something is so."""
    with tempfile.TemporaryFile() as context:
        text = "\n".join(lines).encode()
        with tarfile.open(fileobj=context, mode="w") as members:
            member = tarfile.TarInfo("./Containerfile")
            member.size = len(text)
            members.addfile(member, io.BytesIO(text))
        context.flush()
        server.client.image_make(context.fileno(), name)
    wait_for(until, f"the build of {name}", deadline_s=120)
    return fetch_of(server, f"localhost/{name}:latest")


def test_a_page_has_an_image_built_and_is_told_why_one_could_not_be(
    engine_runtime: Server, lab: Lab
) -> None:
    def has_ended() -> bool:
        return fetch_of(engine_runtime, "localhost/paged:latest")["state"] in {"here", "failed"}

    lines = ["FROM busybox:latest", "RUN echo from a page >/word", "CMD cat /word"]
    built = made(engine_runtime, "paged", lines, has_ended)
    assert built["state"] == "here", built["problem"]
    assert done(lab, "podman run --rm paged") == "from a page"
    lines = ["FROM busybox", "RUN yes | head -c 1M; echo its reason >&2; exit 3"]
    failed = made(engine_runtime, "paged", lines, has_ended)
    assert failed["state"] == "failed"
    assert failed["problem"]["code"] == "image-build-failed"
    assert "its reason / Error:" in failed["problem"]["sentence"]
    assert "exit status 3" in failed["problem"]["sentence"]
    assert done(lab, "podman run --rm paged") == "from a page"
    with pytest.raises(Problem, match="must match"):
        made(engine_runtime, "../paged", lines, has_ended)


def test_a_build_that_nobody_wants_any_more_ends_with_its_lab(engine_runtime: Server) -> None:
    def is_building() -> bool:
        labs = [lab for lab in engine_runtime.client.lab_list() if lab["key"].startswith("build-")]
        programs = [engine_runtime.client.lab_processes(lab["lab"]) for lab in labs]
        return any(each["comm"] == "sleep" for found in programs for each in found)

    made(engine_runtime, "endless", ["FROM busybox", "RUN exec sleep 9999"], is_building)
    engine_runtime.client.image_stop("localhost/endless:latest")
    name = "localhost/endless:latest"
    wait_for(lambda: fetch_of(engine_runtime, name)["state"] == "stopped", "its end", deadline_s=60)
    assert [lab["key"] for lab in engine_runtime.client.lab_list()] == ["engine"]
    assert name not in {row["name"] for row in engine_runtime.client.image_list()}


def test_a_private_image_that_was_fetched_runs_in_labs_which_get_no_password(
    engine_runtime: Server, lab: Lab, busybox: Made
) -> None:
    front = Front(busybox)
    front.day = "private"
    with front.serving() as place:
        name = f"{place}/team/private:latest"
        refused = engine_runtime.client.image_fetch(f"http://{place}/team/private")
        wait_for(
            lambda: fetch_of(engine_runtime, refused["name"])["problem"], "a no", deadline_s=60
        )
        engine_runtime.client.image_fetch(f"http://{place}/team/private", "ada", "let me in")
        wait_for(
            lambda: fetch_of(engine_runtime, name)["state"] == "here", "an image", deadline_s=60
        )
    assert done(lab, f"podman run --rm {name} cat /word") == "from afar"
    everything = "cat /etc/containers/*.json ~/.config/containers/* ~/.docker/* 2>/dev/null; env"
    assert "let me in" not in done(lab, everything)


def test_lesson_test_fetches_or_builds_what_a_lesson_needs_and_says_why_it_cannot(
    engine_runtime: Server, lab: Lab, tmp_path: Path
) -> None:
    client = engine_runtime.client
    with Front(Made([layer({"needed": b"1"})])).serving() as place:
        for _ in range(2):
            need_images(client, (f"http://{place}/needed",))
    assert f"{place}/needed:latest" in {row["name"] for row in client.image_list()}
    with pytest.raises(Problem, match="does not answer"):
        need_images(client, (f"http://{place}/other",))
    with pytest.raises(Problem, match="no image localhost/web"):
        need_images(client, ("localhost/web",), (tmp_path,))
    recipe = tmp_path / "images/web/Containerfile"
    recipe.parent.mkdir(parents=True)
    recipe.write_text("FROM busybox\nRUN exit 3\n")
    with pytest.raises(Problem, match="could not be built"):
        need_images(client, ("localhost/web",), (tmp_path,))
    recipe.write_text("FROM busybox\nCOPY word /\nCMD cat /word\n")
    (recipe.parent / "word").write_text("brought by a lesson")
    need_images(client, ("localhost/web",), (tmp_path,))
    assert done(lab, "podman run --rm localhost/web") == "brought by a lesson"


def test_a_lab_starts_from_an_image_of_the_store_that_has_a_shell(
    engine_runtime: Server, busybox: Made
) -> None:
    names = {}
    for name, made in {"afar": busybox, "mute": Made([layer({"serve": b"#"})])}.items():
        with Front(made).serving() as place:
            names[name] = f"{place}/{name}"
            assert fetched(engine_runtime, f"http://{names[name]}")["state"] == "here"
    assert cli(engine_runtime, "image", "root", names["afar"], "from-afar").returncode == 0
    lab = Lab(engine_runtime.client, "rooted", image="from-afar")
    assert lab.run("/bin/sh", "-c", "exec cat /word").text == "from afar\n"
    assert [each["terminal"] for each in lab.record["terminals"]] == [f"{lab.id}.1"]
    lab.remove()
    refused = cli(engine_runtime, "image", "root", names["mute"], "from-mute")
    assert refused.returncode == 1
    assert "there is no shell in it" in refused.stderr
    assert "from-mute" not in {row["name"] for row in engine_runtime.client.image_list()}
