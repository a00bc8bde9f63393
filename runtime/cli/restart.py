"""The noun `restart`: upgrade one process of a running server."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import click

from runtime import settings
from runtime.cli.running import data_option
from runtime.instance import Instance
from runtime.problems import Problem
from runtime.protocol import Connection

if TYPE_CHECKING:
    from pathlib import Path


PROCESS = re.compile(r"web|pump(-\d{1,2})?|preview|runtime")


def _named(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not PROCESS.fullmatch(value):
        raise click.BadParameter(f"“{value}” is not one of web, pump, pump-2, …, preview, runtime.")
    return value


@click.command(name="restart")
@data_option
@click.argument("process", callback=_named)
def command(data: Path | None, process: str) -> None:
    """Restart web, pump (or pump-2, … where there are several), preview or runtime.

    Learners' programs run on, and browsers come back by themselves.
    """
    pid = restart(Instance.at(settings.load({"data": data}).data), process)
    click.echo(f"{process} runs again, as process {pid}", err=True)


def restart(instance: Instance, process: str) -> int:
    """Have the supervisor restart one of its processes; the new one's pid.

    Raises:
        Problem: `server-away`, or why it wouldn't.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Connection(sock) as connection:
        try:
            sock.connect(str(instance.run_path / "supervisor.sock"))
            connection.send({"restart": process})
            packet = connection.receive()
        except OSError as error:
            raise _no_server(instance) from error
    if packet is None:
        raise _no_server(instance)
    if "problem" in packet.body:
        raise Problem.from_dict(packet.body["problem"])
    return int(packet.body["ok"]["pid"])


def _no_server(instance: Instance) -> Problem:
    return Problem(
        "server-away",
        f"No server runs on {instance.data_path}.",
        "Start one with ./slipway serve, or name its data folder with --data.",
    )
