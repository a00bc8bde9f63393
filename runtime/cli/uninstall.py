"""The noun `uninstall`: the machine is as it was before `install`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from runtime import settings
from runtime.cli.running import data_option, runtime
from runtime.install import service
from runtime.instance import Instance
from runtime.problems import Problem

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="uninstall")
@data_option
@click.option("--keep-data", is_flag=True, help="Leave the data folder and the settings.")
@click.option("--keep-packages", is_flag=True, help="Leave Debian's packages that it installed.")
@click.option("--yes", is_flag=True, help="Don't ask before anything is removed.")
def command(data: Path | None, *, keep_data: bool, keep_packages: bool, yes: bool) -> None:
    """Take away all that `install` made; says first what goes and what stays.

    `./slipway backup FILE` saves beforehand what the server keeps.
    """
    instance = Instance.at(settings.load({"data": data}).data)
    record = service.recorded(instance)
    if record is None:
        raise Problem(
            "install-none",
            f"No service of this machine's keeps its data in {instance.data_path}.",
            "Name its data folder with --data; what was only started by hand ends by Ctrl-C and "
            "`./slipway lab rm --all`.",
        )
    lines = service.uninstall_lines(
        instance, record, keep_data=keep_data, keep_packages=keep_packages
    )
    click.echo("\n".join(lines), err=True)
    if not yes:
        _ask()
    service.stop()
    if instance.run_path.exists():  # else nothing of it lives, and it may be unable to begin
        with runtime(data) as client:
            for lab in client.lab_list():
                client.lab_remove(lab["lab"])
    service.uninstall(instance, record, keep_data=keep_data)
    click.echo("Slipway is no service of this machine any more.", err=True)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise Problem(
            "install-unasked",
            "What this removes is gone for good, and there is nobody to ask.",
            "Give --yes.",
        )
    click.confirm("Go on?", default=False, abort=True, err=True)
