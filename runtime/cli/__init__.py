"""What people type after `./slipway`: a file a noun, each loaded only when it is called."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from runtime.problems import Problem

NOUNS = (
    "backup",
    "doctor",
    "image",
    "install",
    "lab",
    "lesson",
    "rehearse",
    "restart",
    "restore",
    "serve",
    "test",
    "uninstall",
    "upgrade",
)


class Nouns(click.Group):
    """The group whose commands are the files beside this one; says a Problem in its own words."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The nouns that are here."""
        return [noun for noun in NOUNS if Path(__file__).with_name(f"{noun}.py").exists()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a noun; None where there is none of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = import_module(f"runtime.cli.{cmd_name}").command
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's signature
        """Run a noun; 0 done, 1 it couldn't, 2 it was called wrongly."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise Refused(problem) from problem


class Refused(click.ClickException):
    """A Problem at the command line: its sentence on standard error, and 1."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))

    def show(self, file: Any = None) -> None:  # noqa: ANN401, ARG002 - click's signature
        """Say it without click's “Error:”: the sentence stands by itself."""
        click.echo(self.message, err=True)


@click.group(cls=Nouns, name="slipway")
def main() -> None:
    """Hands-on workshops in real Linux containers."""
