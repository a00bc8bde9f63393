"""`slipway person`: who may teach here."""

from __future__ import annotations

import json

import click

from webapp.cli import parts
from webapp.workshops import teaching


@click.group()
def person() -> None:
    """Accounts of people who teach."""


@person.group()
def instructor() -> None:
    """Instructors open workshops and see their own."""


@instructor.command()
@parts.data_option
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def add(name: str, *, as_json: bool) -> None:
    """Add an instructor; prints the one-time link with which NAME sets a password."""
    settings = parts.settings()
    with parts.opened_database(settings) as database:
        _say_link(
            f"{parts.own_url(settings)}/welcome/{teaching.add_person(database, name)}",
            as_json=as_json,
        )


@instructor.command()
@parts.data_option
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
def reset(name: str, *, as_json: bool) -> None:
    """End NAME's password and sign-ins; prints a new one-time link."""
    settings = parts.settings()
    with parts.opened_database(settings) as database:
        _say_link(
            f"{parts.own_url(settings)}/welcome/{teaching.reset_person(database, name)}",
            as_json=as_json,
        )


def _say_link(link: str, *, as_json: bool) -> None:
    click.echo(json.dumps({"link": link}) if as_json else link)
    click.echo("It works once, for three days.", err=True)
