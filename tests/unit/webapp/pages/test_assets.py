"""Addresses by content: the map, the preloads, the drawings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from webapp.pages.assets import Assets

STATIC = Path(__file__).resolve().parents[4] / "static"


def write(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def test_an_address_changes_with_the_content_and_only_then(tmp_path: Path) -> None:
    write(tmp_path, "css/a.css", "a {}")
    write(tmp_path, "css/b.css", "a {}")
    assets = Assets(tmp_path)
    first = assets.url("css/a.css")
    assert first == assets.url("css/a.css")
    assert first.split("?")[1] == assets.url("css/b.css").split("?")[1]
    write(tmp_path, "css/b.css", "b {}")
    assert first.split("?")[1] != assets.url("css/b.css").split("?")[1]


def test_a_misspelt_name_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Assets(tmp_path).url("css/nothing.css")


def test_a_script_is_asked_for_with_all_that_it_imports(tmp_path: Path) -> None:
    write(
        tmp_path,
        "js/page/one.js",
        'import "../lib/two.js";\nimport { io } from "socket.io-client";\n',
    )
    write(tmp_path, "js/lib/two.js", 'import {\n  a,\n  b,\n} from "./three.js";\n')
    write(tmp_path, "js/lib/three.js", 'import { c } from "./two.js";\nimport("./four.js");\n')
    write(tmp_path, "js/lib/four.js", "")
    package = "vendor/socket.io/dist/socket.io.esm.min.js"
    write(tmp_path, package, "")
    names = [url.split("?")[0] for url in Assets(tmp_path).modules("js/page/one.js")]
    paths = ("js/page/one.js", "js/lib/two.js", package, "js/lib/three.js")
    assert names == [f"/static/{path}" for path in paths]


def test_the_map_holds_every_script_of_ours() -> None:
    imports = json.loads(Assets(STATIC).import_map())["imports"]
    for file in (STATIC / "js").rglob("*.js"):
        path = f"/static/{file.relative_to(STATIC).as_posix()}"
        assert re.fullmatch(re.escape(path) + r"\?v=[0-9a-f]{10}", imports[path])


def test_nothing_in_the_map_can_end_its_element(tmp_path: Path) -> None:
    write(tmp_path, "js/a<b.js", "")
    assert "<" not in Assets(tmp_path).import_map()


def test_a_drawing_takes_the_colour_of_its_text() -> None:
    drawn = Assets(STATIC).icon("play")
    assert 'stroke="currentColor"' in drawn
    assert 'aria-hidden="true"' in drawn
    assert "<path" in drawn or "<polygon" in drawn
