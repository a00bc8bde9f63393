"""Where the browser finds our styles, scripts and pictures: addresses by content.

A script imports its neighbours by plain relative paths; the import map in `layouts/base.html` turns
each into its hashed address, so a browser may keep everything for a year and never runs an old one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import request
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from flask import Flask, Response

YEAR_S = 365 * 24 * 3600
SMALLEST_WORTH_PACKING_BYTES = 1024
PACKED_TYPES = {
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/json",
    "image/svg+xml",
}
XTERM_ADDONS = ("fit", "search", "unicode-graphemes", "web-links", "webgl")
BARE_NAMES = {
    "socket.io-client": "vendor/socket.io/dist/socket.io.esm.min.js",
    "uplot": "vendor/uplot/dist/uPlot.esm.js",
    "@xterm/xterm": "vendor/xterm/lib/xterm.mjs",
    **{
        f"@xterm/addon-{name}": f"vendor/xterm-addon-{name}/lib/addon-{name}.mjs"
        for name in XTERM_ADDONS
    },
}
IMPORT = re.compile(r"""^(?:import|\}) ?(?:[^"'();]*from )?["']([^"']+)["'];""", re.MULTILINE)
SVG_DRAWING = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)


class Assets:
    """The folder `static/` as the pages see it.

    Args:
        folder: the root of what is served under `base_url`.
        base_url: ends with a slash.
    """

    def __init__(self, folder: Path, base_url: str = "/static/") -> None:
        self._folder = folder
        self._base_url = base_url

    def url(self, path: str) -> str:
        """The address of one file, with its content's hash; a missing file is an error at once.

        Raises:
            FileNotFoundError: the name is misspelt, or the front-end packages were not fetched.
        """
        file = self._folder / path
        stat = file.stat()
        return f"{self._base_url}{path}?v={_digest(file, stat.st_mtime_ns)}"

    def import_map(self) -> Markup:
        """All our modules by path and the packages by name, as the JSON of one import map."""
        ours = sorted((self._folder / "js").rglob("*.js"))
        imports = {
            f"{self._base_url}{path}": self.url(path)
            for path in (file.relative_to(self._folder).as_posix() for file in ours)
        }
        for name, path in BARE_NAMES.items():
            if (self._folder / path).is_file():
                imports[name] = self.url(path)
        # `<` can't end the script element early: JSON allows it escaped.
        return Markup(json.dumps({"imports": imports}).replace("<", "\\u003c"))  # noqa: S704 own file names

    def modules(self, entry: str) -> list[str]:
        """The addresses of a script, of all that it imports, and so on, packages included.

        For `modulepreload`: a browser that has read only the page asks for them at once, and not
        one layer after the other.
        """
        found: dict[str, None] = {}
        waiting = [entry]
        while waiting:
            path = waiting.pop(0)
            if path not in found:
                found[path] = None
                waiting += self._imports(path)
        return [self.url(path) for path in found]

    def _imports(self, path: str) -> list[str]:
        if path.startswith("vendor/"):
            return []  # a package is one file
        file = self._folder / path
        names = _imported(file, file.stat().st_mtime_ns)
        beside = Path(path).parent
        return [BARE_NAMES.get(name) or os.path.normpath(beside / name) for name in names]

    def script(self, path: str) -> Markup:
        """One of our scripts, to stand in the page itself: it can't be lost on its own."""
        file = self._folder / path
        return _script(file, file.stat().st_mtime_ns)

    def icon(self, name: str) -> Markup:
        """One of lucide's drawings, inline, so that it takes its text's colour; decoration only."""
        file = self._folder / "vendor/lucide/icons" / f"{name}.svg"
        return _icon(file, file.stat().st_mtime_ns)


def init_assets(app: Flask) -> None:
    """Give templates `asset`, `import_map`, `modules`, `script` and `icon`.

    Browsers keep what has a hash.
    """
    folder = Path(str(app.static_folder))
    assets = Assets(folder, f"{app.static_url_path}/")
    app.jinja_env.globals.update(
        asset=assets.url,
        import_map=assets.import_map,
        modules=assets.modules,
        icon=assets.icon,
        script=assets.script,
    )
    app.after_request(_pack_static)


def _pack_static(response: Response) -> Response:
    """Compress text once, and mark hashed addresses as unchanging."""
    if request.endpoint != "static" or response.status_code != 200:
        return response
    if request.args.get("v") or response.mimetype == "font/woff2":
        response.cache_control.max_age = YEAR_S
        response.cache_control.public = True
        response.cache_control.immutable = True
        response.cache_control.no_cache = None
    if response.mimetype in PACKED_TYPES:
        response.vary.add("Accept-Encoding")
        if request.accept_encodings.find("gzip") >= 0:
            _pack(response)
    return response


def _pack(response: Response) -> None:
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) < SMALLEST_WORTH_PACKING_BYTES:
        return
    response.set_data(_gzip(plain))
    response.content_encoding = "gzip"
    etag = response.get_etag()[0]
    if etag is not None:
        response.set_etag(f"{etag}-gzip")


@lru_cache(maxsize=128)
def _gzip(plain: bytes) -> bytes:
    return gzip.compress(plain, mtime=0)


@lru_cache(maxsize=1024)
def _digest(file: Path, mtime_ns: int) -> str:  # noqa: ARG001 the time is part of the cache's key
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


@lru_cache(maxsize=256)
def _imported(file: Path, mtime_ns: int) -> tuple[str, ...]:  # noqa: ARG001 part of the key
    return tuple(IMPORT.findall(file.read_text()))


@lru_cache(maxsize=8)
def _script(file: Path, mtime_ns: int) -> Markup:  # noqa: ARG001 the time is part of the cache's key
    return Markup(file.read_text())  # noqa: S704 ours, not a person's text


@lru_cache(maxsize=256)
def _icon(file: Path, mtime_ns: int) -> Markup:  # noqa: ARG001 the time is part of the cache's key
    found = SVG_DRAWING.search(file.read_text())
    drawing = found.group(1).strip() if found else ""
    return Markup(  # noqa: S704 a package by lock file, not a person's text
        f'<svg class="icon" data-icon="{escape(file.stem)}" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
        f"{drawing}</svg>"
    )
