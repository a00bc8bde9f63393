"""The instructor's page of images: what lessons need, what is here, and what may go."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from webapp.lesson_format.model import Profile
from webapp.workshops import recipes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.wiring import Wiring

MIB = 1 << 20


def image(name: str, **more: object) -> dict[str, Any]:
    """One of the store, as the runtime answers."""
    return {
        "name": name, "names": [name], "kind": "store", "size_bytes": 9 * MIB,
        "own_bytes": 4 * MIB, "layers": 2, "built_at": 0, "boots": False, "labs": 0, "notes": [],
        **more,
    }  # fmt: skip


def fetch(name: str, state: str, **more: object) -> dict[str, Any]:
    known = {"step": "fetching", "done_bytes": MIB, "total_bytes": 4 * MIB, "problem": None}
    return {"name": name, "asked": name, "state": state, **known, **more}


@pytest.fixture
def needy(parts: Wiring, engine: MemoryEngine) -> MemoryEngine:
    """An engine, and two lessons, one of which needs three images for its learners' containers."""
    lessons = parts.library.lessons
    for name in set(lessons) - {"00-your-terminal", "02-what-is-a-container"}:
        del lessons[name]
    needs = ("php:5.6-cli", "localhost/web", "nginx")
    lessons["02-what-is-a-container"] = replace(
        lessons["02-what-is-a-container"], profile=Profile.ENGINE, needs=needs
    )
    engine.stock["needed"] = {
        "php:5.6-cli": {"name": "php:5.6-cli", "here": ""},
        "localhost/web": {"name": "localhost/web:latest", "here": ""},
        "nginx": {"name": "nginx:latest", "here": "r.example/library/nginx:latest"},
    }
    engine.stock["images"] = [
        image("slipway/base", kind="root", boots=True, labs=3),
        image("r.example/library/nginx:latest", notes=["There is no shell in it."]),
        image("r.example/old:1"),
        image("r.example/busy:1", labs=1),
    ]
    return engine


def row_of(page: str, key: str) -> str:
    found = re.search(rf'<tr data-image="{re.escape(key)}".*?</tr>', page, re.DOTALL)
    assert found, key
    return found[0]


def test_what_a_lesson_needs_is_said_with_how_to_have_it(ada: Browser, needy: MemoryEngine) -> None:
    page = ada.get("/images").text
    assert needy.told == [("stock", "php:5.6-cli", "localhost/web", "nginx")]
    assert "missing" in row_of(page, "php:5.6-cli")
    assert 'action="/images/fetch"' in row_of(page, "php:5.6-cli")
    assert "There is no shell in it." in row_of(page, "nginx:latest")
    assert "image build lessons/02-what-is-a-container/images/web" in page
    assert "2 of the 4 that your lessons need are here." in page


def test_all_that_is_missing_and_can_be_fetched_is(ada: Browser, needy: MemoryEngine) -> None:
    assert ada.post("/images/missing").status_code == 302
    assert [word for word in needy.told if word[0] == "fetch"] == [("fetch", "php:5.6-cli", "", "")]


@pytest.fixture
def written(needy: MemoryEngine, parts: Wiring, tmp_path: Path) -> None:
    """The folder of `localhost/web`, with a Containerfile."""
    folder = tmp_path / "02-what-is-a-container/images/web"
    folder.mkdir(parents=True)
    (folder / "Containerfile").write_text("FROM busybox\nCOPY page /\n")
    (folder / "page").write_text("hello")
    parts.stock.lessons_path = tmp_path
    assert needy.told == []


@pytest.mark.usefixtures("written")
def test_a_containerfile_of_a_lesson_is_built_with_what_lies_beside_it(
    ada: Browser, needy: MemoryEngine
) -> None:
    row = row_of(ada.get("/images").text, "localhost/web:latest")
    assert 'action="/images/build"' in row
    assert "Fetch" not in row
    assert ada.post("/images/build", {"name": "localhost/web"}).status_code == 302
    assert needy.told[-1] == ("make", "web", "Containerfile", "page")
    ada.post("/images/missing")
    kinds = [word[0] for word in needy.told if word[0] in {"fetch", "make"}]
    assert kinds == ["make", "fetch", "make"]


@pytest.mark.usefixtures("written")
def test_what_a_lesson_can_do_without_may_be_built_and_is_not_missing(
    ada: Browser, needy: MemoryEngine, parts: Wiring
) -> None:
    lessons = parts.library.lessons
    lessons["02-what-is-a-container"] = replace(lessons["02-what-is-a-container"], needs=())
    row = row_of(ada.get("/images").text, "localhost/web:latest")
    assert "not built" in row
    assert 'action="/images/build"' in row
    ada.post("/images/missing")
    assert [word for word in needy.told if word[0] in {"fetch", "make"}] == []


@pytest.mark.usefixtures("written")
def test_a_build_shows_what_it_does_and_a_failed_one_why(ada: Browser, needy: MemoryEngine) -> None:
    key = "localhost/web:latest"
    needy.stock["fetches"] = [fetch(key, "fetching", step="building", total_bytes=0)]
    row = row_of(ada.get("/images").text, key)
    assert 'aria-label="Stop building localhost/web"' in row
    why = {"code": "image-build-failed", "sentence": "It said “no”.", "hint": "", "facts": {}}
    needy.stock["fetches"] = [fetch(key, "failed", problem=why)]
    row = row_of(ada.get("/images").text, key)
    assert "could not be built" in row
    assert "It said “no”." in row
    needy.stock["needed"]["localhost/web"]["here"] = "localhost/web:latest"
    needy.stock["images"].append(image("localhost/web:latest"))
    row = row_of(ada.get("/images").text, key)
    assert "built here" in row
    assert "Build again" in row
    assert "It said “no”." in row  # of the newer one, which came to nothing


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("name", ["localhost/none", "nginx", "localhost/../../etc", ""])
def test_only_what_a_lesson_says_is_built(ada: Browser, needy: MemoryEngine, name: str) -> None:
    answer = ada.post("/images/build", {"name": name})
    assert answer.status_code == 422
    assert "No lesson has a folder images/" in answer.text
    assert [word for word in needy.told if word[0] == "make"] == []


@pytest.mark.usefixtures("written")
def test_a_folder_that_is_too_large_is_refused_before_it_is_sent(
    ada: Browser, needy: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "CONTEXT_BYTES", 4)
    answer = ada.post("/images/build", {"name": "localhost/web"})
    assert answer.status_code == 422
    assert "holds more than" in answer.text
    assert [word for word in needy.told if word[0] == "make"] == []


def test_a_fetch_shows_its_progress_and_a_failed_one_why(ada: Browser, needy: MemoryEngine) -> None:
    why = {"code": "registry-away", "sentence": "It does not answer.", "hint": "Look.", "facts": {}}
    needy.stock["fetches"] = [
        fetch("php:5.6-cli", "fetching"),
        fetch("r.example/mine:1", "failed", problem=why, asked="http://r.example/mine:1"),
        fetch("from-a-file:1", "failed", problem=why, asked=""),
    ]
    page = ada.get("/images").text
    assert "25 %, 1&nbsp;MB of 4&nbsp;MB" in row_of(page, "php:5.6-cli")
    assert 'action="/images/stop"' in row_of(page, "php:5.6-cli")
    assert "It does not answer. Look." in row_of(page, "r.example/mine:1")
    assert 'value="http://r.example/mine:1"' in row_of(page, "r.example/mine:1")
    assert "It does not answer. Look." in row_of(page, "from-a-file:1")
    assert 'action="/images/fetch"' not in row_of(page, "from-a-file:1")


def test_what_no_lesson_needs_goes_but_nothing_that_a_lab_may_be_using(
    ada: Browser, needy: MemoryEngine
) -> None:
    page = ada.get("/images").text
    assert 'action="/images/remove"' in row_of(page, "r.example/old:1")
    assert 'action="/images/remove"' not in row_of(page, "r.example/busy:1")
    assert 'action="/images/remove"' not in row_of(page, "nginx:latest")
    ada.post("/images/prune")
    assert needy.told[-2:] == [("remove", "r.example/old:1"), ("sweep",)]


def test_a_name_that_cannot_be_one_comes_back_with_its_sentence(
    ada: Browser, needy: MemoryEngine
) -> None:
    answer = ada.post("/images/fetch", {"name": "BAD", "user": "ada", "password": "secret"})
    assert answer.status_code == 422
    assert "be an image" in answer.text
    assert 'value="BAD"' in answer.text
    assert "secret" not in answer.text
    ada.post("/images/fetch", {"name": "r.example/x", "user": "ada", "password": "secret"})
    assert needy.told[-1] == ("fetch", "r.example/x", "ada", "secret")


def test_an_archive_is_handed_on_whole_and_one_that_cannot_fit_is_refused(
    ada: Browser, engine: MemoryEngine
) -> None:
    token = re.search(r'data-token="([^"]+)"', ada.get("/images").text)
    assert token
    headers = {"X-CSRFToken": token[1], "Content-Type": "application/octet-stream"}
    url = "/images/load?called=php.tar&name=php:5"
    answer = ada.client.post(url, data=b"an archive", headers=headers)
    assert answer.get_json() == {"name": "php:5"}
    assert engine.told[-1] == ("load", "an archive", "php:5", "php.tar")
    engine.stock["store_most_bytes"] = 5
    assert ada.client.post(url, data=b"an archive", headers=headers).status_code == 413
    assert ada.client.post(url, data=b"x").status_code == 400


def test_the_layers_of_an_image_are_shown_with_who_shares_them(
    ada: Browser, engine: MemoryEngine
) -> None:
    page = ada.get("/images/layers?name=nginx").text
    assert "FROM nginx" in page
    assert "other:1" in page
    engine.is_away = True
    assert ada.get("/images/layers?name=nginx").status_code == 503


def test_the_page_says_that_the_runtime_is_away(ada: Browser, engine: MemoryEngine) -> None:
    engine.is_away = True
    answer = ada.get("/images")
    assert answer.status_code == 200
    assert "The runtime is away." in answer.text


def test_learners_and_strangers_see_and_do_nothing_here(ben: Browser, engine: MemoryEngine) -> None:
    assert ben.get("/images").status_code == 302
    for deed in ("fetch", "missing", "build", "load", "stop", "remove", "prune"):
        answer = ben.post(f"/images/{deed}", {"name": "x"})
        assert answer.status_code == 401
    assert ben.get("/images/layers?name=x").status_code == 302
    assert engine.told == []
