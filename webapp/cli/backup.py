"""`backup`: what `./slipway backup` has the web do, as the web; not in the help."""

from __future__ import annotations

import os
from pathlib import Path

import click

from webapp.backup import unwritable, write_backup
from webapp.cli import parts


@click.command(hidden=True)
@click.option("--to-fd", type=int, required=True, help="The open file to write to.")
@click.option("--image", "images", multiple=True, help="A name to list.")
@click.option("--without-database", is_flag=True, help="It is saved by other means.")
def backup(to_fd: int, images: tuple[str, ...], *, without_database: bool) -> None:
    """Write a copy of what the web keeps into a file that whoever calls has opened."""
    settings = parts.settings()
    config = os.environ.get("SLIPWAY_CONFIG")
    settings.require_writable()
    try:
        with os.fdopen(to_fd, "wb") as target:
            made = write_backup(
                settings,
                target,
                config=Path(config) if config else None,
                images=images,
                has_database=not without_database,
            )
    except OSError as error:  # of its last bytes
        raise unwritable(error) from error
    counts = [f"{number} {what}" for what, number in made["counts"].items()]
    size = sum(each["bytes"] for each in made["files"])
    said = ", ".join([*counts, f"{len(made['files'])} files"])
    click.echo(f"Saved: {said}; {size / 1e6:.1f} MB before they were packed.", err=True)
