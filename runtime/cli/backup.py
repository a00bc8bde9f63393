"""The noun `backup`: all that the server keeps, in one file, while it serves."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import click

from runtime import as_web, settings
from runtime.cli.running import data_option
from runtime.image.shared import SharedStore
from runtime.image.store import Store
from runtime.instance import Instance
from runtime.problems import Problem


@click.command(name="backup")
@data_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--without-database", is_flag=True, help="It is elsewhere, and saved by other means.")
def command(data: Path | None, file: Path, *, without_database: bool) -> None:
    """Save what the server keeps in FILE; it may go on serving meanwhile.

    FILE is made, or, where it is a folder, a file in it that is named after the time; `-` is
    standard output. It holds who joined, what they did, their recordings, accounts, and the
    server's own key: keep it as you keep the data folder. Images and living labs are not in it.
    """
    loaded = settings.load({"data": data})
    words = _words(Instance.at(loaded.data), without_database=without_database)
    if str(file) == "-":
        sys.exit(_to_output(loaded, words))
    sys.exit(_to_file(loaded, words, _place(file)))


def _words(instance: Instance, *, without_database: bool) -> tuple[str, ...]:
    names = [image.name for image in Store(instance.images_path).list()]
    with suppress(OSError, ValueError, KeyError):  # no store yet
        names += [name for image in SharedStore.of(instance).images() for name in image.names]
    given = [f"--image={name}" for name in names]
    return ("backup", *given, *(["--without-database"] if without_database else []))


def _place(file: Path) -> Path:
    if file.is_dir():
        file /= time.strftime("slipway-%Y-%m-%d-%H%M%S.tar.gz")
    if file.exists():
        raise Problem(
            "backup-exists",
            f"There is a file {file} already.",
            "Name another, or a folder: then the file in it is named after the time.",
        )
    return file


def _to_output(loaded: settings.Settings, words: tuple[str, ...]) -> int:
    if sys.stdout.isatty():
        raise Problem(
            "backup-terminal",
            "A backup can't be shown on a terminal.",
            "Name a file, or send it to another program: `./slipway backup - | ssh …`.",
        )
    fd = os.dup(1)
    try:
        return as_web.run(loaded, (*words, f"--to-fd={fd}"), (fd,))
    finally:
        os.close(fd)


def _to_file(loaded: settings.Settings, words: tuple[str, ...], file: Path) -> int:
    """Under another name until it is whole, and on the disk."""
    part = file.with_name(f"{file.name}.part")
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(part, error) from error
    try:
        code = as_web.run(loaded, (*words, f"--to-fd={fd}"), (fd,))
        if code == 0:
            os.fsync(fd)
            part.replace(file)
            click.echo(file)
    except OSError as error:
        raise _unwritable(part, error) from error
    finally:
        os.close(fd)
        part.unlink(missing_ok=True)
    return code


def _unwritable(part: Path, error: OSError) -> Problem:
    return Problem(
        "backup-unwritable",
        f"{part} can't be written: {error.strerror}.",
        "Name a place that is there, on a disk with room.",
    )
