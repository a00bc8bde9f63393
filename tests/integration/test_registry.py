"""The workshop's registry, as learners use it: `docker pull` and `docker push` in real labs."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ENGINE, Server, lend_image
from tests.integration.lab_harness import Lab, done, learner
from tests.integration.registries import Front, Made, layer
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.instance import Instance

FEW_BYTES = 1 << 20


@pytest.fixture(scope="module")
def tiny(engine_image: Image) -> Made:
    """An image with one program, which runs."""
    busybox = (engine_image.rootfs_path / "bin/busybox").read_bytes()
    return Made([layer({"bin/busybox": busybox})], config={"Entrypoint": ["/bin/busybox"]})


@pytest.fixture(scope="module")
def upstream(tiny: Made) -> Iterator[tuple[Front, str]]:
    """What stands for registries outside."""
    front = Front(tiny)
    with front.serving() as place:
        yield front, place


@pytest.fixture(scope="module")
def server(
    make_instance: Callable[[], Instance],
    base_image: Image,
    engine_image: Image,
    upstream: tuple[Front, str],
) -> Iterator[Server]:
    """A daemon whose mirror asks our own registry."""
    instance = make_instance()
    lend_image(base_image, instance)
    lend_image(engine_image, instance)
    made = Server(instance, "serve", "--data", str(instance.data_path), "--end-labs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_REGISTRY_MIRROR", f"http://{upstream[1]}")
        try:
            made.start()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def ben(server: Server) -> Iterator[Lab]:
    """A lab whose workshop has internet."""
    lab = Lab(server.client, "ben", image=ENGINE, profile="engine", internet=True)
    yield lab
    lab.remove()


@pytest.fixture(scope="module")
def chi(server: Server) -> Iterator[Lab]:
    """A lab without."""
    lab = Lab(server.client, "chi", image=ENGINE, profile="engine")
    yield lab
    lab.remove()


def test_an_image_is_asked_for_once_and_given_to_others_when_nobody_answers(
    ben: Lab, chi: Lab, upstream: tuple[Front, str]
) -> None:
    front, _ = upstream
    refused = learner(chi, "docker pull tiny")
    assert refused.code != 0
    assert "no image tiny:latest, and your workshop has no internet" in refused.text
    done(ben, "docker pull tiny")
    assert done(ben, "docker run --rm --network none tiny echo pulled") == "pulled"
    assert len(front.sent) == 1
    front.day = "broken"
    try:
        done(chi, "docker pull tiny")
    finally:
        front.day = "good"
    assert done(chi, "docker run --rm --network none tiny echo kept") == "kept"
    assert len(front.sent) == 1


def test_a_pushed_image_comes_back_the_same_and_nobody_else_has_it(ben: Lab, chi: Lab) -> None:
    name = f"registry:5000/{ben.record['hostname']}/mine:1"
    done(chi, f"docker tag busybox {name.replace(ben.record['hostname'], '$(hostname)')}")
    before = done(ben, f"docker tag busybox {name} && docker images --quiet {name}")
    done(ben, f"docker push {name} && docker rmi {name}")
    assert learner(ben, f"docker image exists {name}").code != 0
    done(ben, f"docker pull {name}")
    assert done(ben, f"docker images --quiet {name}") == before
    search = "docker search --format '{{.Name}}' registry:5000/mine"
    assert done(ben, search) == name.partition(":1")[0]
    assert done(chi, search) == ""
    refused = learner(chi, f"docker pull {name}")
    assert refused.code != 0
    assert f"Yours begin with {chi.record['hostname']}" in refused.text
    refused = learner(chi, f"docker tag busybox {name} && docker push {name}")
    assert refused.code != 0
    assert f"docker push registry:5000/{chi.record['hostname']}/mine" in refused.text


def test_what_an_instructor_has_fetched_is_pulled_without_a_copy(
    chi: Lab, server: Server, tiny: Made, tmp_path: Path
) -> None:
    tiny.write_archive(tmp_path / "kept.tar")
    with (tmp_path / "kept.tar").open("rb") as archive:
        server.client.image_load(archive.fileno(), "kept", "kept.tar")
    wait_for(
        lambda: [
            each for each in server.client.image_stock()["fetches"] if each["state"] == "here"
        ],
        "the image in the store",
        deadline_s=60,
    )
    used = "df --output=used -B1 /var/lib/engine | tail -1"
    before = int(done(chi, used))
    done(chi, "docker pull kept")
    assert int(done(chi, used)) - before < FEW_BYTES
    assert done(chi, "docker run --rm --network none kept echo shared") == "shared"
    found = done(chi, "docker search --format '{{.Name}}: {{.Description}}' kep").splitlines()
    assert [line.partition("library/")[2].partition(":")[0] for line in found] == ["kept"]
    assert "on this server" in found[0]


def test_what_comes_along_with_every_lab_is_pulled_without_a_registry_outside(chi: Lab) -> None:
    used = "df --output=used -B1 /var/lib/engine | tail -1"
    before = int(done(chi, used))
    done(chi, "docker pull busybox && docker pull web:latest")
    assert int(done(chi, used)) - before < FEW_BYTES
    assert done(chi, "docker run --rm --network none busybox echo here") == "here"


def test_the_registrys_process_has_no_right_and_no_network_and_comes_back(
    ben: Lab, server: Server
) -> None:
    (pid,) = registries(server)
    status = Path(f"/proc/{pid}/status").read_text()
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert Path(f"/proc/{pid}/net/route").read_text().count("\n") <= 1
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: registries(server) not in ([], [pid]), "a new one", deadline_s=60)
    wait_for(lambda: learner(ben, "docker pull tiny").code == 0, "its answer", deadline_s=60)


def registries(server: Server) -> list[int]:
    """Processes of this server's registry, without those behind it."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        ours = f"--data={server.instance.data_path}" in words
        if words[1:4] == ["-m", "runtime", "registry"] and ours:
            found.append(int(place.name))
    return found
