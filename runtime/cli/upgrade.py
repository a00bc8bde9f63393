"""The noun `upgrade`: what runs becomes the version that is here now; labs live on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import click

from runtime import folders, settings
from runtime.cli.image import need_base
from runtime.cli.restart import PROCESS, restart
from runtime.cli.running import data_option
from runtime.client import Client
from runtime.greeting import wait_well
from runtime.install import service
from runtime.instance import Instance
from runtime.problems import Problem
from runtime.reached import from_here

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
    is_service = service.recorded(instance) is not None
    if not (folders.processes(instance) or (is_service and service.is_meant_to_run())):
        click.echo("No server runs; the next start is the new version.", err=True)
        return
    client, labs = Client(instance.runtime_socket), set[str]()
    with suppress(Problem):  # it may be this that the next version mends
        labs = {lab["lab"] for lab in client.lab_list()}
    need_base(instance)
    try:
        _start_anew(instance, is_service=is_service)
        client.wait_ready(READY_S)
        if address := folders.address(instance):
            wait_well(from_here(*address), READY_S)
    except Problem as problem:
        raise Problem(
            "upgrade-failed",
            f"The new version doesn't serve: {problem.sentence}",
            "Labs go on. The server's log says why. The way back, in its folder: `git reset --hard "
            "ORIG_HEAD`, then `./slipway upgrade --fetched` (docs/operating.md, Data, backups, "
            "upgrades).",
        ) from problem
    left = labs & {lab["lab"] for lab in client.lab_list()}
    click.echo(f"The new version serves; {len(left)} of {len(labs)} labs went on.", err=True)


def _start_anew(instance: Instance, *, is_service: bool) -> None:
    if is_service:
        service.write_unit(instance)
        service.start()
        service.wait_up(instance)
        return
    for name in filter(PROCESS.fullmatch, folders.processes(instance)):
        restart(instance, name)
