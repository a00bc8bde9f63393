"""Images from registries and archives: whole or not at all, and each bad day has its sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.image import archives, reference, whiteouts
from runtime.image.fetch import Fetcher
from runtime.image.shared import SharedStore
from runtime.image.skopeo import Access
from runtime.problems import Problem
from tests.integration.registries import MANIFEST, Front, Made, layer, push, real_one
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.image.shared import SharedImage
    from runtime.instance import Instance

TOP = Path(__file__).resolve().parents[2]
CLI = [sys.executable, "-m", "runtime.cli", "image"]
ENVIRON = {**os.environ, "PYTHONPATH": str(TOP)}
MOST = 64 << 20
BOTTOM = layer({"bin/sh": b"#", "etc/os-release": b"ID=tests\n"})
ONE = Made([BOTTOM, layer({"one": os.urandom(200_000)})])
OTHER = Made([BOTTOM, layer({"other": b"2"})], config={"Entrypoint": ["/bin/serve"]})


@pytest.fixture
def fetcher(tmp_path: Path) -> Fetcher:
    """Something that fetches into an empty store."""
    store = SharedStore(tmp_path / "store", tmp_path / "fetches/run")
    return Fetcher(store, tmp_path / "fetches", MOST)


@pytest.fixture
def front() -> Iterator[tuple[Front, str]]:
    """A registry that has bad days, and where it is."""
    made = Front(ONE)
    with made.serving() as place:
        yield made, place


def pull(fetcher: Fetcher, name: str, **more: object) -> SharedImage:
    return fetcher.pull(reference.read(name), lambda *_: None, **more)  # type: ignore[arg-type]


def files_below(folder: Path) -> set[str]:
    """What is there of layers and of what is on its way."""
    return {
        str(path.relative_to(folder))
        for path in (*folder.glob("store/overlay/*/diff"), *folder.glob("fetches/*.d"))
    }


def test_an_image_comes_whole_with_its_progress_and_is_known_again(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    ONE.write_archive(tmp_path / "one.tar")
    OTHER.write_archive(tmp_path / "other.tar")
    told: list[tuple[str, int, int]] = []
    with real_one(tmp_path) as place:
        push(tmp_path / "one.tar", place, "team/one:5")
        push(tmp_path / "other.tar", place, "library/other:latest")
        wanted = reference.read(f"http://{place}/team/one:5")
        image = fetcher.pull(wanted, lambda *word: told.append(word))
        other = pull(fetcher, "other", mirror=reference.read_mirror(f"http://{place}"))
    assert image.names == (f"{place}/team/one:5",)
    assert told[0] == ("asking", 0, 0)
    assert (other.layers[0], len(other.layers)) == (image.layers[0], 2)
    assert fetcher.store.used_bytes() < image.size_bytes + other.size_bytes
    assert reference.read("other").is_called(other.names[0])
    assert files_below(tmp_path / "fetches") == set()


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("limit", "registry-limit"),
        ("missing", "image-unknown-there"),
        ("private", "registry-refused"),
        ("broken", "registry-away"),
        ("cut", "registry-cut"),
        ("hold", "registry-silent"),
    ],
)
def test_a_bad_day_has_its_sentence_and_leaves_what_was_there(
    fetcher: Fetcher, front: tuple[Front, str], tmp_path: Path, day: str, code: str
) -> None:
    registry, place = front
    OTHER.write_archive(tmp_path / "other.tar")
    before = fetcher.load(tmp_path / "other.tar", reference.read("other"), lambda *_: None)
    registry.day = day
    impatient = Fetcher(fetcher.store, tmp_path / "fetches", MOST, silence_s=1)
    with pytest.raises(Problem) as refused:
        pull(impatient if day == "hold" else fetcher, f"http://{place}/one")
    assert refused.value.code == code
    assert place in refused.value.sentence
    assert refused.value.hint
    assert fetcher.store.images() == [before]
    assert files_below(tmp_path) == {f"store/overlay/{each.id}/diff" for each in before.layers}
    registry.day = "good"
    assert pull(fetcher, f"http://{place}/one").own_bytes > 0


def test_a_registry_that_is_away_is_told_from_one_that_refuses(fetcher: Fetcher) -> None:
    with pytest.raises(Problem) as away:
        pull(fetcher, "http://127.0.0.1:1/one")
    assert away.value.code == "registry-away"
    with pytest.raises(Problem) as nowhere:
        pull(fetcher, "registry.invalid/one")
    assert nowhere.value.code == "registry-away"


def test_who_signs_in_gets_what_others_do_not(fetcher: Fetcher, front: tuple[Front, str]) -> None:
    registry, place = front
    registry.day = "private"
    name = f"http://{place}/one"
    with pytest.raises(Problem, match="refused"):
        pull(fetcher, name, access=Access("ada", "wrong"))
    assert pull(fetcher, name, access=Access("ada", "let me in")).names
    with pytest.raises(Problem) as unnamed:
        pull(fetcher, "one", access=Access("ada", "let me in"))
    assert unnamed.value.code == "registry-unnamed"


def test_a_mirror_is_asked_first_and_another_registry_than_the_usual_is_not_its(
    fetcher: Fetcher, front: tuple[Front, str]
) -> None:
    registry, place = front
    mirror = reference.read_mirror(f"http://{place}")
    assert pull(fetcher, "one:3", mirror=mirror).layers
    assert len(registry.sent) == 2
    with pytest.raises(Problem) as refused:
        pull(fetcher, "registry.invalid/two", mirror=mirror)
    assert refused.value.code == "registry-away"
    assert len(registry.sent) == 2


def test_the_variant_for_this_machine_is_taken_and_an_image_without_one_is_refused(
    fetcher: Fetcher,
) -> None:
    foreign = Made([layer({"bin/sh": b"foreign"})], "s390x")
    with Front(foreign).serving() as place, pytest.raises(Problem) as single:
        pull(fetcher, f"http://{place}/one")
    assert (single.value.code, single.value.facts["there"]) == ("image-unfit", ["linux/s390x"])
    with Front(foreign, [(foreign, "s390x")]).serving() as place, pytest.raises(Problem) as many:
        pull(fetcher, f"http://{place}/one")
    assert many.value.code == "image-unfit"
    assert fetcher.store.images() == []
    ours = next(iter(Made([]).blobs.values())).decode()
    kind = ours.split('"architecture": "')[1].split('"')[0]
    with Front(foreign, [(foreign, "s390x"), (ONE, kind)]).serving() as place:
        image = pull(fetcher, f"http://{place}/one")
    assert len(image.layers) == 2


@pytest.mark.parametrize(
    "manifest",
    [
        b"<html>Log in to this network first</html>",
        {},
        [],
        {"manifests": None},
        {"manifests": [None, {"platform": []}]},
        {"manifests": [{"digest": "../../x"}]},
        json.loads(ONE.manifest) | {"layers": [None, {"size": "large"}]},
        json.loads(ONE.manifest) | {"config": None},
    ],
)
def test_a_broken_manifest_is_a_sentence_and_leaves_nothing(
    fetcher: Fetcher, front: tuple[Front, str], tmp_path: Path, manifest: object
) -> None:
    registry, place = front
    raw = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    registry.manifests[""] = (MANIFEST, raw)
    with pytest.raises(Problem) as refused:
        pull(fetcher, f"http://{place}/broken")
    assert f"{place}/broken" in refused.value.sentence
    assert refused.value.hint
    assert fetcher.store.images() == []
    assert files_below(tmp_path) == set()


def test_what_a_layer_hides_is_hidden_from_overlays_of_user_namespaces_too(
    fetcher: Fetcher,
) -> None:
    upper = layer({"etc/.wh..wh..opq": b"", "etc/new": b"1", "bin/.wh.sh": b""})
    with Front(Made([BOTTOM, upper])).serving() as place:
        image = pull(fetcher, f"http://{place}/one")
        top = image.layers[-1].path
        os.removexattr(top / "etc", whiteouts.USERS)  # as if a kill had come between
        pull(fetcher, f"http://{place}/one")
    assert os.getxattr(top / "etc", whiteouts.USERS) == b"y"
    with pytest.raises(OSError, match="No data"):
        os.getxattr(top / "bin", whiteouts.USERS)


def test_two_who_want_the_same_fetch_it_once(fetcher: Fetcher, front: tuple[Front, str]) -> None:
    registry, place = front
    got: list[SharedImage] = []
    threads = [
        threading.Thread(target=lambda: got.append(pull(fetcher, f"http://{place}/one")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({image.id for image in got}) == 1
    assert len(got) == 3
    assert len(registry.sent) == 2


def test_what_does_not_fit_is_refused_before_or_taken_away_again(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    bomb = Made([layer({"zeros": bytes(MOST + (1 << 20))})])
    with Front(bomb).serving() as place, pytest.raises(Problem) as burst:
        pull(fetcher, f"http://{place}/bomb")
    assert burst.value.code == "image-store-full"
    assert fetcher.store.images() == []
    assert files_below(tmp_path) == set()
    small = Fetcher(fetcher.store, tmp_path / "fetches", 100_000)
    registry = Front(ONE)
    with registry.serving() as place, pytest.raises(Problem) as large:
        pull(small, f"http://{place}/one")
    assert large.value.code == "image-store-full"
    assert registry.sent == []
    assert files_below(tmp_path) == set()


def test_an_archive_is_taken_under_its_own_name_and_a_broken_one_is_not(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    ONE.write_archive(tmp_path / "one.tar")
    docker = tmp_path / "docker.tar"
    subprocess.run(
        ["skopeo", "copy", "--quiet", f"oci-archive:{tmp_path}/one.tar",
         f"docker-archive:{docker}:team/named:3"], check=True, capture_output=True,
    )  # fmt: skip
    assert reference.read("team/named:3").is_called(archives.name(docker))
    assert archives.name(tmp_path / "one.tar") == "one"
    assert archives.name(tmp_path / "one.tar", "Mein Bild (1).tar.gz") == "mein-bild-1"
    assert archives.name(tmp_path / "one.tar", "…") == "image"
    image = fetcher.load(docker, reference.read(archives.name(docker)), lambda *_: None)
    assert image.has_shell
    (tmp_path / "half.tar").write_bytes(docker.read_bytes()[: docker.stat().st_size // 2])
    (tmp_path / "words.tar").write_text("not at all")
    for name in ("half.tar", "words.tar"):
        with pytest.raises(Problem) as refused:
            fetcher.load(tmp_path / name, reference.read("broken"), lambda *_: None)
        assert refused.value.code == "image-archive"
    assert [each.id for each in fetcher.store.images()] == [image.id]


def test_an_image_with_other_layers_than_it_says_is_none_and_leaves_what_was_there(
    fetcher: Fetcher, tmp_path: Path
) -> None:
    ONE.write_archive(tmp_path / "one.tar")
    kept = fetcher.load(tmp_path / "one.tar", reference.read("named"), lambda *_: None)
    wrong = Made([layer({"bin/sh": b"other"})], diff_ids=[f"sha256:{1:064x}"])
    wrong.write_archive(tmp_path / "wrong.tar")
    with pytest.raises(Problem, match="in a damaged form") as refused:
        fetcher.load(tmp_path / "wrong.tar", reference.read("named"), lambda *_: None)
    assert refused.value.code == "image-archive"
    assert fetcher.store.require(reference.read("named")).id == kept.id
    assert [each.id for each in fetcher.store.images()] == [kept.id]


def test_a_fetch_that_is_killed_leaves_nothing_once_swept(
    instance: Instance, front: tuple[Front, str]
) -> None:
    registry, place = front
    registry.day = "hold"
    data = ["--data", str(instance.data_path)]
    process = subprocess.Popen(
        [*CLI, "pull", f"http://{place}/one", *data],
        env=ENVIRON, start_new_session=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: registry.sent, "the first bytes of a layer", deadline_s=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    assert list(instance.fetches_path.glob("*.d"))

    def is_swept() -> bool:
        """Once skopeo, which held the locks, is gone as well: nobody waits for it."""
        subprocess.run([*CLI, "gc", *data], env=ENVIRON, check=True, capture_output=True)
        left = (*instance.fetches_path.glob("*.d"), *instance.store_path.glob("overlay/*/diff"))
        return not left

    wait_for(is_swept, "the sweep of what was killed")
