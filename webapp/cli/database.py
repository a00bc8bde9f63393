"""`slipway database`: bring it up to date without starting the server."""

from __future__ import annotations

import click
from sqlalchemy import text

from webapp.cli import parts
from webapp.migrations.upgrade import upgrade
from webapp.models.database import Database, damaged, opening


@click.group()
def database() -> None:
    """Look after the database."""


@database.command("check")
@parts.data_option
def check_command() -> None:
    """Read every page of the database; 1 where one is damaged. Brings it up to date first."""
    settings = parts.settings()
    with opening(), parts.opened_database(settings) as opened, opened.read() as session:
        if opened.engine.dialect.name != "sqlite":
            return
        found = session.execute(text("PRAGMA integrity_check")).scalars().all()
    if list(found) != ["ok"]:
        raise damaged(str(found[0]))


@database.command("upgrade")
@parts.data_option
def upgrade_command() -> None:
    """Run the migrations that are missing; what was there before is copied beside it first."""
    settings = parts.settings()
    settings.require_writable()
    opened = Database(settings.database)
    before = upgrade(opened)
    opened.close()
    click.echo(f"Up to date; it was at {before or 'nothing'} before.", err=True)
