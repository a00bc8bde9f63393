"""`greet`: what the supervisor prints when the server is ready; not in the help."""

from __future__ import annotations

import json

import click

from webapp.cli import parts
from webapp.lesson_format.library import load_library
from webapp.workshops.opening import ensure_demo
from webapp.workshops.teaching import first_link


@click.command(hidden=True)
@click.option("--json", "as_json", is_flag=True, required=True, help="Print one object.")
def greet(*, as_json: bool) -> None:  # noqa: ARG001 -- there is no other form
    """Print the address, the demo's code, and a link for the first instructor if there is none."""
    settings = parts.settings()
    url = parts.own_url(settings)
    with parts.opened_database(settings) as database:
        token = first_link(database)
        demo = ensure_demo(database, load_library(settings.lessons)) if settings.demo else None
    facts = {
        "url": url,
        "instructor_link": f"{url}/welcome/{token}" if token else None,
        "demo_code": demo.code if demo else None,
    }
    click.echo(json.dumps(facts))
