"""`slipway database`: bring it up to date without starting the server."""

from __future__ import annotations

import click

from webapp.cli import parts
from webapp.migrations.upgrade import upgrade
from webapp.models.database import Database


@click.group()
def database() -> None:
    """Look after the database."""


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
