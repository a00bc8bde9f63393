"""The noun `install`: the server becomes a service of this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtime import folders, greeting, settings
from runtime.cli.image import need_base
from runtime.doctor import refusal
from runtime.install import service
from runtime.instance import Instance
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

FLAGS = ("data", "host", "port")


@click.command(name="install")
@click.option("--data", type=Path, help="The data folder; /var/lib/slipway if not said.")
@click.option("--host", help="The address to listen on; 0.0.0.0 lets a class in.")
@click.option("--port", help="The port to listen on.")
@click.option("--yes", is_flag=True, help="Don't ask before anything is changed.")
def command(data: Path | None, host: str | None, port: str | None, *, yes: bool) -> None:
    """Let systemd start the server with the machine; says first what it will touch.

    A second time it writes the unit anew, for a checkout that has moved.
    """
    if problem := refusal():
        raise problem
    flags = {"data": data, "host": host, "port": port}
    loaded = settings.load(flags)
    _require_agreed(loaded, flags)
    instance = Instance.at(loaded.data)
    record = service.look(instance)
    click.echo("\n".join(service.install_lines(instance, record)), err=True)
    if not yes and sys.stdin.isatty():
        click.confirm("Go on?", default=True, abort=True, err=True)
    service.stop()
    folders.make(instance)
    os.close(folders.lock(instance, 0))  # nobody's who was started by hand and still runs
    service.note(instance, record)
    need_base(instance)
    service.install(loaded, instance, record)
    service.start()
    service.wait_up(instance)
    greeting.greet(loaded, goodbye=GOODBYE)


GOODBYE = (
    "  It starts with the machine. Its log: journalctl -u slipway. Settings: /etc/slipway.toml.\n"
    "  Stop: systemctl stop slipway (labs go on). The way back: ./slipway uninstall"
)


def _require_agreed(loaded: settings.Settings, flags: Mapping[str, object]) -> None:
    """The unit has no flags: where there is a settings file, it must say the same as they do."""
    if not settings.CONFIG_PATH.exists():
        return
    in_file = settings.load({}, environ={})
    for name in FLAGS:
        if flags[name] is not None and getattr(in_file, name) != getattr(loaded, name):
            raise Problem(
                "install-settings",
                f"{settings.CONFIG_PATH} says {name} is {getattr(in_file, name)}.",
                f"Change it there, and leave --{name} out.",
            )
