"""The noun `serve`: what is missing is made, and then the supervisor takes this process's place."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from runtime import folders, listening, settings
from runtime.cli.image import need_base
from runtime.doctor import refusal
from runtime.instance import Instance


@click.command(name="serve")
@click.option("--data", type=Path, help="The data folder; /var/lib/slipway if not said.")
@click.option("--host", help="The address to listen on; 0.0.0.0 lets a class in.")
@click.option("--port", help="The port to listen on.")
@click.option("--config", type=Path, help="A settings file in place of /etc/slipway.toml.")
@click.option("--end-labs", is_flag=True, help="End every lab when the server stops.")
@click.option("--no-greeting", is_flag=True, help="Don't print where it is, nor links.")
@click.option("--yes", is_flag=True, help="Don't ask before something is installed.")
def command(
    data: Path | None,
    host: str | None,
    port: str | None,
    config: Path | None,
    *,
    end_labs: bool,
    no_greeting: bool,
    yes: bool,  # noqa: ARG001 - the launcher's, and done with
) -> None:
    """Start the server; Ctrl-C stops it, and labs that live go on."""
    if problem := refusal():
        raise problem
    flags = {"data": data, "host": host, "port": port}
    loaded = settings.load(flags, config_path=config)
    instance = Instance.at(loaded.data)
    with ExitStack() as undo:
        undo.callback(folders.leave_run, instance)
        folders.make(instance)
        listening.bind(loaded.host, loaded.port).close()  # a refusal shouldn't wait for the image
        need_base(instance)
        given = [f"--{name}={value}" for name, value in flags.items() if value is not None]
        given += [f"--config={config}"] if config else []
        given += ["--end-labs"] if end_labs else []
        given += ["--no-greeting"] if no_greeting else []
        argv = [sys.executable, "-m", "runtime", "up", *given]
        os.execv(sys.executable, argv)  # noqa: S606 - the supervisor takes our place
