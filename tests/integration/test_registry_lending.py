"""What the mirror is lent of images: out of the server's store, or from a registry, whole."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from runtime.image import fetch, fitness, reference, skopeo
from runtime.image.fetch import Fetcher
from runtime.image.shared import SharedStore
from runtime.problems import Problem
from runtime.registry import lending as lending_room
from runtime.registry.lending import Lending
from tests.integration.registries import MANIFEST, Front, Made, digest_of, layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from runtime.image.skopeo import Source

    Look = Callable[[int], None]

MOST = 64 << 20
BOTTOM = layer({"bin/sh": b"#", "etc/os-release": b"ID=tests\n"})
ONE = Made([BOTTOM, layer({"one": b"1" * 100_000})])


@pytest.fixture
def front() -> Iterator[tuple[Front, str]]:
    """A registry that has bad days, and where it is."""
    made = Front(ONE)
    with made.serving() as place:
        yield made, place


def lending(folder: Path, place: str = "127.0.0.1:1", mirror: str = "") -> Lending:
    """What lends out of an empty store, and of a registry in the usual one's place."""
    store = SharedStore(folder / "store", folder / "fetches/run")
    usual = reference.Reference(place, "", "", is_plain=True)
    return Lending(store, folder / "fetches", reference.read_mirror(mirror), MOST, usual)


def test_an_image_of_a_registry_is_lent_whole_and_nothing_of_it_stays(
    front: tuple[Front, str], tmp_path: Path
) -> None:
    lends = lending(tmp_path, front[1])
    with lends.lent("library/one", "latest", "", may_ask=True) as files:
        found = {each.digest: each.path.read_bytes() for each in files}
    assert found == {**ONE.blobs, digest_of(ONE.manifest): ONE.manifest}
    assert files[-1].digest == digest_of(ONE.manifest)
    assert list((tmp_path / "fetches").glob("lent-*")) == []
    with lends.lent("library/one", "latest", files[-1].digest, may_ask=True) as files:
        assert files == []


def test_a_list_of_variants_that_is_asked_for_by_its_digest_is_lent_with_our_variant(
    tmp_path: Path,
) -> None:
    other = Made([layer({"bin/sh": b"other"})], architecture="s390x")
    front = Front(other, ((other, "s390x"), (ONE, fitness.architecture())))
    kind, variants = front.manifests[""]
    with front.serving() as place:
        lends = lending(tmp_path, place)
        pinned = digest_of(variants)
        with lends.lent("library/one", pinned, "", may_ask=True) as files:
            assert [each.media_type for each in files if each.media_type] == [MANIFEST, kind]
            assert files[-1].path.read_bytes() == variants
            assert files[-2].digest == digest_of(ONE.manifest)
        with lends.lent("library/one", pinned, pinned, may_ask=True) as files:
            assert files == []


def test_a_registry_is_asked_for_nobody_whose_workshop_has_no_internet(
    front: tuple[Front, str], tmp_path: Path
) -> None:
    lends = lending(tmp_path, front[1])
    with (
        pytest.raises(Problem, match="no image one:latest, and your workshop has no internet"),
        lends.lent("library/one", "latest", "", may_ask=False),
    ):
        pass
    with lends.lent("library/one", "latest", digest_of(b"kept"), may_ask=False) as files:
        assert files == []


def test_what_an_instructor_fetched_is_lent_unpacked_and_no_registry_is_asked(
    tmp_path: Path,
) -> None:
    lends = lending(tmp_path)
    ONE.write_archive(tmp_path / "one.tar")
    store = SharedStore(tmp_path / "store", tmp_path / "fetches/run")
    fetcher = Fetcher(store, tmp_path / "fetches", MOST)
    fetcher.load(tmp_path / "one.tar", reference.read("one"), lambda *_: None)
    fetcher.store.rename(store.images()[0], (f"{reference.USUAL}/library/one:latest",))
    with lends.lent("library/one", "latest", "", may_ask=False) as files:
        manifest = json.loads(files[-1].path.read_text())
        unpacked = [digest_of(gzip.decompress(BOTTOM))]
    assert [each["digest"] for each in manifest["layers"]][:1] == unpacked
    with lends.lent("library/one", "latest", files[-1].digest, may_ask=True) as files:
        assert files == []


def test_an_image_of_this_server_may_lie_there_twice_while_it_is_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ONE.write_archive(tmp_path / "one.tar")
    store = SharedStore(tmp_path / "store", tmp_path / "fetches/run")
    wanted = reference.read("localhost/one")
    image = Fetcher(store, tmp_path / "fetches", MOST).load(
        tmp_path / "one.tar", wanted, lambda *_: None
    )
    really = skopeo.copy

    def copy(source: Source, into: str, folder: Path, look: Look, held: Sequence[int]) -> None:
        look(2 * image.size_bytes)  # its fullest moment, which a look may miss or meet
        really(source, into, folder, look, held)

    monkeypatch.setattr(skopeo, "copy", copy)
    monkeypatch.setattr(lending_room, "_BESIDE_BYTES", 64 << 10)
    lends = lending(tmp_path)
    with lends.lent("localhost/one", "latest", "", may_ask=False) as files:
        assert len(files) == 4
    with (
        pytest.raises(Problem, match=r"no image localhost/none:latest\."),
        lends.lent("localhost/none", "latest", "", may_ask=True),
    ):
        pass


def test_a_registry_that_falls_silent_is_given_up(
    front: tuple[Front, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, place = front
    registry.day = "hold"
    monkeypatch.setattr(fetch, "SILENCE_S", 0.5)
    with (
        pytest.raises(Problem) as refused,
        lending(tmp_path, place).lent("library/one", "latest", "", may_ask=True),
    ):
        pass
    assert refused.value.code == "registry-silent"
    assert list((tmp_path / "fetches").glob("lent-*")) == []


@pytest.mark.parametrize(
    ("day", "code"), [("missing", "image-unknown-there"), ("cut", "registry-cut")]
)
def test_a_registrys_bad_day_is_a_sentence_and_leaves_nothing(
    front: tuple[Front, str], tmp_path: Path, day: str, code: str
) -> None:
    registry, place = front
    registry.day = day
    lends = lending(tmp_path, place)
    with (
        pytest.raises(Problem) as refused,
        lends.lent("library/one", "latest", "", may_ask=True),
    ):
        pass
    assert refused.value.code == code
    assert place in refused.value.sentence
    assert list((tmp_path / "fetches").glob("lent-*")) == []


def test_a_mirror_is_asked_first_and_the_registry_where_that_fails(
    front: tuple[Front, str], tmp_path: Path
) -> None:
    lends = lending(tmp_path, front[1], mirror="http://127.0.0.1:1")
    with lends.lent("library/one", "latest", "", may_ask=True) as files:
        assert files[-1].digest == digest_of(ONE.manifest)
    lends = lending(tmp_path, mirror="http://127.0.0.1:1")
    with (
        pytest.raises(Problem, match="Its mirror: 127"),
        lends.lent("library/one", "latest", "", may_ask=True),
    ):
        pass
