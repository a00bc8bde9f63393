"""The noun `restore`: what a backup holds becomes what the server keeps."""

from __future__ import annotations

import time
from pathlib import Path

import click

from runtime import log, settings
from runtime.cli.running import data_option
from runtime.restoring import restore


@click.command(name="restore")
@data_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Put aside what the data folder holds now.")
def command(data: Path | None, file: Path, *, replace: bool) -> None:
    """Put back what `./slipway backup` saved in FILE, here or on another machine.

    The server must be stopped. All of FILE is read and compared before anything changes.
    """
    loaded = settings.load({"data": data})
    log.start(loaded.log_level)
    held = restore(loaded, file, replace=replace)
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(held["made_at"]))
    counts = ", ".join(f"{number} {what}" for what, number in held["counts"].items())
    click.echo(f"Restored as of {made}: {counts or 'no database'}, {len(held['files'])} files.")
    if held["aside"]:
        click.echo(f"What was there before: {held['aside']}")
    if (loaded.data / "slipway.toml.restored").exists():
        click.echo(f"The settings of then: {loaded.data}/slipway.toml.restored")
    if images := held["images"]:
        click.echo(f"It had these images, which are built or pulled anew: {', '.join(images)}")
