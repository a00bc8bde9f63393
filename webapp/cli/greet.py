"""`greet`: what the supervisor prints when the server is ready; not in the help."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from webapp.cli import parts
from webapp.lesson_format.library import load_library
from webapp.workshops.opening import ensure_demo, left_out
from webapp.workshops.teaching import first_link

if TYPE_CHECKING:
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
        "demo_note": _without(library) if demo else "",
    }
    click.echo(json.dumps(facts))


def _without(library: Library) -> str:
    """Which lessons the demo has not, and how one gets to teach them; empty where it has all."""
    missing = [library.lessons[name] for name in left_out(library)]
    if not missing:
        return ""
    titles = ", ".join(lesson.title for lesson in missing)
    return (
        f"Not in it: {titles}. Build {missing[0].image} (./slipway image build), "
        "and open a workshop with them."
    )
