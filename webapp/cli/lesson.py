"""`slipway lesson lint|test`: is a lesson fit for a class?"""

from __future__ import annotations

import json
import os
import select
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runtime.client import Client, Problem
from webapp.cli import parts
from webapp.lesson_format import native
from webapp.lesson_format.faults import LessonBroken
from webapp.lesson_format.lint import lint
from webapp.workshops import recipes
from webapp.workshops.images import ON_THE_WAY
from webapp.workshops.recipes import brought_by
from webapp.workshops.rehearsing import Rehearsed, rehearse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.client import Feed

_PATH = click.Path(exists=True, file_okay=False, path_type=Path)
_LOOK_S = 2.0


@click.group()
def lesson() -> None:
    """Look at lessons and try them."""


@lesson.command("lint")
@parts.data_option
@click.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME",
    help="An image that the class's server will have; else this one's are known.",
)
@click.argument("path", type=_PATH)
def lint_command(path: Path, images: tuple[str, ...]) -> None:
    """Name every mistake in the lesson at PATH, or in all lessons below it."""
    faults = [fault for folder in _lessons_at(path) for fault in lint(folder, images)]
    for fault in faults:
        click.echo(str(fault))
    if faults:
        raise SystemExit(1)
    click.echo("Nothing to mend.", err=True)


@lesson.command("test")
@parts.data_option
@click.argument("path", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print one list of steps.")
@click.option("--fresh", is_flag=True, help="Each step in a lab of its own, as after a reset.")
def test_command(path: Path, *, as_json: bool, fresh: bool) -> None:
    """Play the lesson at PATH, or all below it, in real labs: every command, every check."""
    client = Client(Path(os.environ["SLIPWAY_RUN"]) / "runtime.sock")
    steps: list[Rehearsed] = []
    try:
        for folder in _lessons_at(path):
            read = native.load(folder)
            _need_image(client, read.image)
            need_images(client, read.needs, [folder, *_neighbours(folder)])
            for step in rehearse(client, read, fresh=fresh):
                steps.append(step)
                if not as_json:
                    _say(step)
    except (LessonBroken, Problem) as problem:
        click.echo(str(problem), err=True)
        raise SystemExit(1) from problem
    if as_json:
        click.echo(json.dumps([asdict(step) for step in steps], indent=2))
    if any(step.faults for step in steps):
        raise SystemExit(1)


def _need_image(client: Client, name: str) -> None:
    """Build what a lesson's labs start from, where this server hasn't got it."""
    if name not in {image["name"] for image in client.image_list()}:
        click.echo(f"Building {name}, which takes a minute or two.", err=True)
        client.image_build(name)


def need_images(client: Client, names: Sequence[str], lessons: Sequence[Path] = ()) -> None:
    """Fetch or build what containers in a lesson's labs start from, where it isn't here yet.

    Args:
        client: fetches and builds.
        names: of the images, as they are typed.
        lessons: folders of lessons that may bring `localhost/NAME`; the first that does is taken.

    Raises:
        Problem: why it can't be had.
    """
    needed = client.image_stock(names)["needed"]
    for typed in names:
        meant = needed.get(typed, {"name": typed, "here": ""})
        if meant["here"]:
            continue
        with client.follow() as feed:
            if typed.startswith(recipes.BUILT):
                fetch = _build(client, typed, lessons)
            else:
                click.echo(f"Fetching {typed}.", err=True)
                fetch = client.image_fetch(typed)
            _await(client, feed, fetch)


def _build(client: Client, typed: str, lessons: Sequence[Path]) -> dict[str, Any]:
    """Begin to build an image that one of these lessons brings."""
    name = recipes.name_of(typed)
    brings = next((each for each in lessons if f"{recipes.BUILT}{name}" in brought_by(each)), None)
    if brings is None:
        raise Problem(
            "image-missing",
            f"This server has no image {typed}, and no lesson here says how it is built.",
            f"Write a Containerfile into the lesson's folder images/{name[:60]}.",
            image=typed,
        )
    click.echo(f"Building {typed}, as {brings.name}/images/{name} says.", err=True)
    with tempfile.TemporaryFile() as context:
        recipes.pack(brings, name, context)
        return client.image_make(context.fileno(), name)


def _await(client: Client, feed: Feed, fetch: dict[str, Any]) -> None:
    """Wait until an image is here; now and then it is asked for, as the feed may begin later."""
    name = fetch["name"]
    while fetch["state"] in ON_THE_WAY:
        if not select.select([feed], [], [], _LOOK_S)[0]:
            fetches = client.image_stock()["fetches"]
            fetch = next(each for each in fetches if each["name"] == name)
            continue
        packet = feed.receive()
        if packet is None:
            raise Problem("image-missing", f"{name} did not come: the runtime stopped.")
        if packet.body["type"] == "image.changed" and packet.body["image"]["name"] == name:
            fetch = packet.body["image"]
    if fetch["problem"]:
        raise Problem.from_dict(fetch["problem"])
    if fetch["state"] != "here":
        raise Problem("image-missing", f"{name} did not come: somebody stopped it, or it broke.")


def _lessons_at(path: Path) -> list[Path]:
    """The lesson in this folder, or the lessons below it."""
    if (path / native.INDEX).is_file():
        return [path]
    folders = sorted(index.parent for index in path.glob(f"*/{native.INDEX}"))
    if not folders:
        raise click.UsageError(f"There is no {native.INDEX} in {path}, nor one folder below it.")
    return folders


def _neighbours(folder: Path) -> list[Path]:
    """The other lessons beside this one: an image that several need lies in one of them."""
    return [each.parent for each in sorted(folder.resolve().parent.glob(f"*/{native.INDEX}"))]


def _say(step: Rehearsed) -> None:
    word = "FAILED" if step.faults else "passed"
    click.echo(f"{word}  {step.step}  {step.seconds:.1f} s")
    for fault in step.faults:
        click.echo(f"        {fault}")
