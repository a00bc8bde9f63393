"""The noun `lesson`: the web's own, but run as whoever types it, to read the files of a writer."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import click

from runtime import settings
from runtime.cli.image import need_base
from runtime.cli.running import data_option, runtime
from runtime.image.definition import definitions
from runtime.image.store import Store
from runtime.instance import Instance
from runtime.kernel import spawn

PASS_ON = {"ignore_unknown_options": True}
HELP = {"-h", "--help"}


@click.group(name="lesson")
def command() -> None:
    """Check lessons while writing them."""


@command.command(context_settings=PASS_ON, add_help_option=False)
@data_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def lint(data: Path | None, words: tuple[str, ...]) -> None:
    """Name every mistake in a lesson; needs nothing that runs."""
    known = [] if HELP & set(words) else [f"--image={name}" for name in _images(data)]
    sys.exit(_web(["lint", *known, *words], {}))


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


def _images(data: Path | None) -> list[str]:
    """What labs can start from: what can be built, and what the server has, if we may look."""
    here: set[str] = set()
    with suppress(OSError):
        instance = Instance.at(settings.load({"data": data}).data)
        here = {image.name for image in Store(instance.images_path).list()}
    return sorted(here | definitions().keys())


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
