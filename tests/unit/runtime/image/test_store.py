"""The store: whole or absent, and no name from outside leads elsewhere."""

from __future__ import annotations

import fcntl
import time
from typing import TYPE_CHECKING

import pytest

from runtime.image.store import LOCK, Image, Store
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "images")


def half_built(store: Store, text: str = "") -> tuple[Path, Image]:
    """A root file system as a build leaves it, beside its place."""
    new = store.path / ".slipway+base.new"
    (new / "rootfs").mkdir(parents=True)
    (new / "rootfs/mark").write_text(text)
    image = Image("slipway/base", new / "rootfs", "learner", 1000, 1000, "/home", "/bin/sh", 7, 9)
    return new, image


def test_what_was_put_in_is_found_again_under_its_name(store: Store) -> None:
    new, image = half_built(store)
    found = store.adopt(new, image)
    assert (found.name, found.user, found.size_bytes, found.built_at) == (
        "slipway/base",
        "learner",
        7,
        9,
    )
    assert store.list() == [found]
    assert store.adopt(*half_built(store)) == store.list()[0]
    assert len(store.list()) == 1, "one that was replaced is no longer listed"


def test_a_build_that_was_cut_off_is_no_image(store: Store) -> None:
    half_built(store)
    assert not store.has("slipway/base")
    assert store.list() == []


def test_a_replaced_image_stays_where_living_labs_hold_it(store: Store) -> None:
    store.adopt(*half_built(store, "old"))
    held = (store.get("slipway/base").rootfs_path / "mark").open()
    store.adopt(*half_built(store, "new"))
    assert held.read() == "old"
    held.close()
    assert (store.get("slipway/base").rootfs_path / "mark").read_text() == "new"
    assert len(list(store.path.glob(".slipway+base.old-*/rootfs/mark"))) == 1


def test_sweeping_takes_only_what_is_replaced_or_half_built(store: Store) -> None:
    store.adopt(*half_built(store))
    store.adopt(*half_built(store))
    half_built(store)
    store.sweep({})
    assert sorted(path.name for path in store.path.iterdir()) == [LOCK, "slipway+base"]


def test_sweeping_leaves_what_a_living_lab_may_have_been_made_from(store: Store) -> None:
    for text in ("first", "second"):
        store.adopt(*half_built(store, text))
    made_at = time.time()
    for text in ("third", "fourth"):
        store.adopt(*half_built(store, text))
    store.sweep({"slipway/base": made_at})
    left = {path.read_text() for path in store.path.glob(".*/rootfs/mark")}
    assert left == {"second", "third"}


def test_sweeping_removes_nothing_while_somebody_builds(store: Store) -> None:
    half_built(store)
    with (store.path / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        store.sweep({})
    assert (store.path / ".slipway+base.new").is_dir()


@pytest.mark.parametrize("name", ["", "..", "../x", "a/../b", "/etc", "a/b/c", "A", "a\n", "a+b"])
def test_a_name_that_leads_elsewhere_is_refused(store: Store, name: str) -> None:
    with pytest.raises(Problem) as caught:
        store.get(name)
    assert caught.value.code == "image-name"


def test_an_image_that_is_not_here_is_named_with_what_to_do(store: Store) -> None:
    with pytest.raises(Problem) as caught:
        store.get("slipway/base")
    assert caught.value.code == "image-missing"
    assert "./slipway image build slipway/base" in caught.value.hint
