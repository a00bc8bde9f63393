"""What the nouns need of the web, without a web server: the settings and the database."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtime.client import from_here
from webapp.migrations.upgrade import upgrade
from webapp.models.database import Database
from webapp.settings import Settings, read_settings
from webapp.workshops.address import Address, find_address

if TYPE_CHECKING:
    from collections.abc import Iterator


DATA = "slipway.data"


def _keep(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    ctx.meta[DATA] = value


data_option = click.option(
    "--data",
    type=click.Path(path_type=Path),
    callback=_keep,
    expose_value=False,
    help="The server's data folder.",
)
"""The same for each noun; `settings` reads it."""


def settings() -> Settings:
    """As the web would read them."""
    config = os.environ.get("SLIPWAY_CONFIG")
    data = click.get_current_context().meta.get(DATA)
    said = {"SLIPWAY_DATA": str(data)} if data else {}
    return read_settings({**os.environ, **said}, Path(config) if config else None)


@contextmanager
def opened_database(chosen: Settings) -> Iterator[Database]:
    """The database, up to date; beside a running server too."""
    chosen.require_writable()
    database = Database(chosen.database)
    try:
        upgrade(database)
        yield database
    finally:
        database.close()


def address(chosen: Settings) -> Address:
    """Under which learners reach this server, as far as the command line can see."""
    return find_address(chosen.public_url, "", f"{chosen.host}:{chosen.port}")


def own_url(chosen: Settings) -> str:
    """An address that works: the learners' where we know it, else the one on this machine."""
    return address(chosen).url or from_here(chosen.host, chosen.port)
