"""`slipway audit`: what those who teach did."""

from __future__ import annotations

import json

import click

from webapp.cli import parts
from webapp.models.workshops import workshop_by_code
from webapp.problems import code_unknown
from webapp.workshops import deeds, teaching
from webapp.workshops.codes import plain_code
from webapp.workshops.times import day_time


@click.group()
def audit() -> None:
    """What those who teach did."""


@audit.command(name="list")
@parts.data_option
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=deeds.PAGE_LINES,
    show_default=True,
    help="So many, newest first.",
)
@click.option("--who", default="", help="Only what this person did.")
@click.option("--workshop", "code", default="", help="Only what was done in it, by its code.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def list_all(last: int, who: str, code: str, *, as_json: bool) -> None:
    """Each deed, newest first: when, who, what, of whom, where."""
    with parts.opened_database(parts.settings()) as database, database.read() as session:
        person = teaching.require_person(session, who).public_id if who else None
        workshop = None
        if code:
            found = workshop_by_code(session, plain_code(code))
            if found is None:
                raise code_unknown(code)
            workshop = found.public_id
        lines = deeds.lines(session, None, last, person=person, workshop=workshop)
    for line in lines:
        if as_json:
            click.echo(json.dumps(line.as_json()))
            continue
        about = "  ".join(filter(None, (line.learner, line.workshop)))
        click.echo(f"{day_time(line.at)}  {line.who:20}  {line.sentence}  {about}".rstrip())
