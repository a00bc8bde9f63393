"""The noun `lesson`: the web's own, but run as whoever types it, to read the files of a writer."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from runtime import settings
from runtime.cli.image import need_base
from runtime.cli.running import data_option, runtime
from runtime.instance import Instance
from runtime.kernel import spawn

PASS_ON = {"ignore_unknown_options": True}
HELP = {"-h", "--help"}


@click.group(name="lesson")
def command() -> None:
    """Check lessons while writing them."""


@command.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def lint(words: tuple[str, ...]) -> None:
    """Name every mistake in a lesson; needs nothing that runs."""
    sys.exit(_web(["lint", *words], {}))


@command.command(context_settings=PASS_ON, add_help_option=False)
@data_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def test(data: Path | None, words: tuple[str, ...]) -> None:
    """Play a lesson in real labs: every command, every check."""
    if HELP & set(words):
        sys.exit(_web(["test", "--help"], {}))
    instance = Instance.at(settings.load({"data": data}).data)
    need_base(instance)
    with runtime(data):
        code = _web(["test", *words], {"SLIPWAY_RUN": str(instance.run_path)})
    sys.exit(code)


def _web(words: list[str], env: dict[str, str]) -> int:
    """Run the web's command; it is named, never imported."""
    checkout = str(Path(__file__).parents[2])
    with spawn.start(
        [sys.executable, "-m", "webapp.cli", "lesson", *words],
        stdin=sys.stdin.fileno(),
        stdout=sys.stdout.fileno(),
        stderr=sys.stderr.fileno(),
        env={"PYTHONPATH": checkout, **env},
    ) as process:
        return process.wait()
