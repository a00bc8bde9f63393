"""`greet`: what the supervisor prints when the server is ready; not in the help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from runtime.client import WELL_TIMEOUT_S, Client
from webapp.cli import parts
from webapp.lesson_format.library import load_library
from webapp.problems import Problem
from webapp.workshops.opening import ensure_demo, left_out
from webapp.workshops.teaching import first_link

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from webapp.lesson_format.library import Library


@click.command(hidden=True)
@click.option("--json", "as_json", is_flag=True, required=True, help="Print one object.")
def greet(*, as_json: bool) -> None:  # noqa: ARG001 -- there is no other form
    """Print the address, the demo's code, and a link for the first instructor if there is none."""
    settings = parts.settings()
    url = parts.own_url(settings)
    with parts.opened_database(settings) as database:
        token = first_link(database)
        library = load_library(settings.lessons)
        demo = ensure_demo(database, library) if settings.demo else None
    facts = {
        "url": url,
        "instructor_link": f"{url}/welcome/{token}" if token else None,
        "demo_code": demo.code if demo else None,
        "demo_note": without(library, _images(settings.runtime_socket)) if demo else "",
    }
    click.echo(json.dumps(facts))


def without(library: Library, images: Collection[str] | None) -> str:
    """Which lessons the demo has not, and how one gets to teach them; empty where it has all.

    Args:
        library: the lessons of this server.
        images: what labs can be made from; None where that isn't known.
    """
    left = [library.lessons[name] for name in left_out(library)]
    if not left:
        return ""
    titles = ", ".join(lesson.title for lesson in left)
    to_build = sorted({lesson.image for lesson in left} - set(images or ()))
    if not to_build:
        return f"Not in it: {titles}. Open a workshop with them."
    when = "" if images is not None else " where that isn't done yet"
    return (
        f"Not in it: {titles}. Build {' and '.join(to_build)} "
        f"(./slipway image build){when}, and open a workshop with them."
    )


def _images(runtime_socket: Path) -> list[str] | None:
    try:
        return list(Client(runtime_socket, WELL_TIMEOUT_S).status()["images"])
    except Problem:
        return None
