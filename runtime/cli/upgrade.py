"""The noun `upgrade`: what runs becomes the version that is here now; labs live on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from runtime import folders, settings
from runtime.cli.image import need_base
from runtime.cli.restart import PROCESS, restart
from runtime.cli.running import data_option
from runtime.client import Client
from runtime.install import service
from runtime.instance import Instance
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path

READY_S = 120.0


@click.command(name="upgrade")
@data_option
@click.option("--fetched", is_flag=True, help="The next version is here already; fetch nothing.")
def command(data: Path | None, *, fetched: bool) -> None:  # noqa: ARG001 - the launcher's
    """Take the next version by git, and start all parts of the server anew; labs go on.

    The database is copied before it is changed (docs/operating.md, Data, backups, upgrades).
    """
    instance = Instance.at(settings.load({"data": data}).data)
    client = Client(instance.runtime_socket)
    try:
        labs = {lab["lab"] for lab in client.lab_list()}
    except Problem:
        click.echo("No server runs; the next start is the new version.", err=True)
        return
    need_base(instance)
    if service.recorded(instance):
        service.write_unit(instance)
        service.start()
        service.wait_up(instance)
    else:
        for name in filter(PROCESS.fullmatch, folders.processes(instance)):
            restart(instance, name)
    client.wait_ready(READY_S)
    left = labs & {lab["lab"] for lab in client.lab_list()}
    click.echo(f"The new version serves; {len(left)} of {len(labs)} labs went on.", err=True)
