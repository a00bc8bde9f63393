"""The noun `image`: what containers start from.

Works on the data folder itself, so it makes no difference whether a server runs.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from runtime import folders, settings
from runtime.image.build import Builder
from runtime.image.store import Image, Store
from runtime.instance import Instance
from runtime.labs import state
from runtime.problems import Problem

BASE = "slipway/base"

data_option = click.option("--data", type=Path, help="The server's data folder.")


@click.group(name="image")
def command() -> None:
    """Build, list and remove the images that labs are made from."""


@command.command()
@click.argument("name", default=BASE)
@data_option
@click.option("--again", is_flag=True, help="Build anew what is here already.")
@click.option("--root", type=click.Path(exists=True, dir_okay=False), help="Unpack this tar file.")
def build(name: str, data: Path | None, root: str | None, *, again: bool) -> None:
    """Build the image NAME (slipway/base, if not said); Ctrl-C leaves nothing behind."""
    started = time.monotonic()
    with Progress() as progress:
        image = Builder(_store(data)).build(name, progress.tell, again=again, root=root or "")
    click.echo(f"{image.name} {_size(image)}, {time.monotonic() - started:.0f} s", err=True)


@command.command(name="list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def list_(data: Path | None, *, as_json: bool) -> None:
    """List the images that are here, whole."""
    images = _store(data).list()
    if as_json:
        rows = [
            {"name": image.name, "size_bytes": image.size_bytes, "built_at": image.built_at}
            for image in images
        ]
        click.echo(json.dumps(rows))
        return
    for image in images:
        built = time.strftime("%Y-%m-%d %H:%M", time.gmtime(image.built_at))
        click.echo(f"{image.name}\t{_size(image)}\tbuilt {built} UTC")


@command.command()
@click.argument("name")
@data_option
def rm(name: str, data: Path | None) -> None:
    """Remove the image NAME, unless a living lab is made from it."""
    instance = _instance(data)
    images = Store(instance.images_path)
    image = images.get(name)
    users = [lab.id for lab in _labs(instance) if lab.shape.image == name]
    if users:
        count = "One living lab is" if len(users) == 1 else f"{len(users)} living labs are"
        raise Problem(
            "image-in-use",
            f"{count} made from {name}.",
            "Wait until they end, or end them: `./slipway lab list` names them.",
            image=name,
        )
    images.remove(name)
    click.echo(f"removed {name}; its root took {_size(image)}", err=True)


@command.command()
@data_option
def gc(data: Path | None) -> None:
    """Remove what builds left: images that were replaced and that no living lab is made from."""
    instance = _instance(data)
    count = Store(instance.images_path).sweep(state.oldest(_labs(instance)))
    click.echo(f"removed {count}", err=True)


class Progress:
    """Shows a build on stderr: one line drawn over on a terminal, a line a step in a pipe."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._step = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_terminal:
            click.echo("\r\033[K", nl=False, err=True)

    def tell(self, step: str, percent: int) -> None:
        """Show how far the build is."""
        if self._is_terminal:
            click.echo(f"\r\033[K{percent:3} %  {step}", nl=False, err=True)
        elif step != self._step:
            click.echo(f"{percent:3} %  {step}", err=True)
        self._step = step


def need_base(instance: Instance) -> None:
    """Build the image that labs are made from by default, where it isn't here yet."""
    need_image(instance, BASE)


def need_image(instance: Instance, name: str) -> None:
    """Build an image where it isn't here yet and this checkout says how.

    Raises:
        Problem: `image-name`, `image-unknown`, `image-build-failed`.
    """
    images = Store(instance.images_path)
    if not images.has(name):
        folders.make(instance)
        with Progress() as progress:
            Builder(images).build(name, progress.tell)


def _instance(data: Path | None) -> Instance:
    return Instance.at(settings.load({"data": data}).data)


def _store(data: Path | None) -> Store:
    return Store(_instance(data).images_path)


def _labs(instance: Instance) -> list[state.Lab]:
    """Those of which there is a record: living, being made, or not yet cleared away."""
    folders_of = instance.labs_path.iterdir() if instance.labs_path.is_dir() else ()
    return [lab for folder in folders_of if (lab := state.load(folder)) is not None]


def _size(image: Image) -> str:
    return f"{image.size_bytes / 1e6:.0f} MB"
