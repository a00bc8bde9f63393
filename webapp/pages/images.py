"""The instructor's page of images: what lessons need, what is here, on its way, or in the way."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for

from webapp import audit
from webapp.pages.staff import instructor
from webapp.problems import Problem, http_status
from webapp.wiring import wired
from webapp.workshops.images import Overview

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("images", __name__, url_prefix="/images")

_LETTERS_MOST = 300
_PIECE_BYTES = 256 * 1024
_ARCHIVE_BYTES = 1 << 40


@blueprint.url_value_preprocessor
def _let_archives_in(endpoint: str | None, _values: object) -> None:
    """Before anything looks at the body, whose usual limit is a form's; `load` itself counts."""
    if endpoint == "images.load":
        request.max_content_length = _ARCHIVE_BYTES


@blueprint.get("")
def show_list() -> str:
    """Every image, those that lessons need first."""
    return _page()


@blueprint.get("/layers")
def show_layers() -> str:
    """What each step of one image's build added."""
    person = instructor()
    name = request.args.get("name", "")[:_LETTERS_MOST]
    return render_template(
        "images/layers.html",
        person_name=person.name,
        name=name,
        layers=wired().engine.image_layers(name),
    )


@blueprint.post("/fetch")
def fetch() -> Response | tuple[str, int]:
    """Begins to fetch one image; the page's script shows how far it is."""
    instructor()
    name = request.form.get("name", "").strip()[:_LETTERS_MOST]
    user = request.form.get("user", "").strip()[:200]
    password = request.form.get("password", "")[:4096] if user else ""
    try:
        wired().engine.image_fetch(name, user, password)
    except Problem as problem:
        return _page(problem, name, user), http_status(problem)
    audit.note(name=name)
    return redirect(url_for(".show_list"))


@blueprint.post("/missing")
def fetch_missing() -> Response | tuple[str, int]:
    """Begins to fetch all that lessons need and that isn't here."""
    instructor()
    try:
        for row in wired().stock.overview().fetchable:
            if row.builds:
                _build(row.name)
            else:
                wired().engine.image_fetch(row.name)
    except Problem as problem:
        return _page(problem), http_status(problem)
    return redirect(url_for(".show_list"))


@blueprint.post("/build")
def build() -> Response | tuple[str, int]:
    """Begins to build one image of the lessons' own; the page's script shows how far it is."""
    instructor()
    try:
        _build(request.form.get("name", "")[:_LETTERS_MOST])
    except Problem as problem:
        return _page(problem), http_status(problem)
    audit.note(name=request.form.get("name", ""))
    return redirect(url_for(".show_list"))


@blueprint.post("/load")
def load() -> dict[str, str]:
    """Takes an archive, as the page's script sends it: the body is the file, as it is.

    It goes into a file without a name, so nothing is left of it when anything fails.
    """
    instructor()
    called = request.args.get("called", "")[:200] or "The file"
    name = request.args.get("name", "").strip()[:_LETTERS_MOST]
    stock = wired().engine.image_stock()
    room = stock["store_most_bytes"] - stock["store_bytes"]
    with _unnamed() as file:
        while piece := request.stream.read(_PIECE_BYTES):
            if (room := room - len(piece)) < 0:
                abort(413)
            file.write(piece)
        file.flush()
        return {"name": wired().engine.image_load(file.fileno(), name, called)["name"]}


@blueprint.post("/stop")
def stop() -> Response:
    """Gives up a fetch."""
    instructor()
    wired().engine.image_stop(request.form.get("name", "")[:_LETTERS_MOST])
    audit.note(name=request.form.get("name", ""))
    return redirect(url_for(".show_list"))


@blueprint.post("/remove")
def remove() -> Response | tuple[str, int]:
    """Removes one image that no living lab may be using."""
    instructor()
    try:
        wired().engine.image_remove(request.form.get("name", "")[:_LETTERS_MOST])
    except Problem as problem:
        return _page(problem), http_status(problem)
    audit.note(name=request.form.get("name", ""))
    return redirect(url_for(".show_list"))


@blueprint.post("/prune")
def prune() -> Response | tuple[str, int]:
    """Removes what no lesson needs and no living lab may be using, and what fetches left."""
    instructor()
    try:
        for row in wired().stock.overview().prunable:
            wired().engine.image_remove(row.key)
        wired().engine.image_sweep()
    except Problem as problem:
        return _page(problem), http_status(problem)
    return redirect(url_for(".show_list"))


def _build(typed: str) -> None:
    with _unnamed() as context:
        wired().stock.build(typed, context)


def _unnamed() -> IO[bytes]:
    """A file that is gone when it is closed."""
    folder = wired().settings.web_path
    return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o600), "w+b")


def _page(problem: Problem | None = None, name: str = "", user: str = "") -> str:
    person = instructor()
    away: Problem | None = None
    overview = Overview()
    try:
        overview = wired().stock.overview()
    except Problem as found:
        away = found
    return render_template(
        "images/list.html",
        person_name=person.name,
        overview=overview,
        away=away,
        problem=problem,
        name=name,
        user=user,
    )
