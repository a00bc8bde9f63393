"""The noun `image`: what labs start from, and containers within them.

Works on the data folder itself, so it makes no difference whether a server runs.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from runtime import folders, log, settings
from runtime.cli.running import data_option, fresh_lab, runtime
from runtime.image import archives, fitness, reference, rooting
from runtime.image.build import Builder
from runtime.image.fetch import Fetcher
from runtime.image.shared import SharedImage, SharedStore
from runtime.image.skopeo import Access
from runtime.image.store import Store
from runtime.instance import Instance
from runtime.labs import building, state
from runtime.labs.images import Images

if TYPE_CHECKING:
    from runtime.client import Client

BASE = "slipway/base"


@click.group(name="image")
def command() -> None:
    """Fetch, load, build, list and remove images."""


@command.command()
@click.argument("name", default=BASE)
@data_option
@click.option("--again", is_flag=True, help="Build anew what is here already.")
@click.option("--root", type=click.Path(exists=True, dir_okay=False), help="Unpack this tar file.")
@click.option(
    "--disk", default=1024, show_default=True, help="What a Containerfile may write (MiB)."
)
def build(name: str, data: Path | None, root: str | None, disk: int, *, again: bool) -> None:
    """Build the image NAME (slipway/base, if not said), or what a Containerfile says.

    NAME may be a folder with a Containerfile, such as lessons/LESSON/images/web: that is built in
    a lab of its own, as a learner would, and is then `localhost/web` in every lab with an engine.
    Ctrl-C leaves nothing behind.
    """
    started = time.monotonic()
    if "/" in name and Path(name).is_dir():
        with Progress() as progress:
            image = _build_folder(Path(name), data, progress, disk << 20)
        click.echo(f"{image.names[0]} {_mb(image.size_bytes)}, {_took(started)}", err=True)
        return
    with Progress() as progress:
        made = Builder(_store(data)).build(name, progress.tell, again=again, root=root or "")
    click.echo(f"{made.name} {_mb(made.size_bytes)}, {_took(started)}", err=True)


@command.command()
@click.argument("name")
@data_option
@click.option("--mirror", help="Ask this registry first; registry_mirror's, if not said.")
@click.option("--user", help="Sign in; the password is asked for, or read from standard input.")
def pull(name: str, data: Path | None, mirror: str | None, user: str | None) -> None:
    """Fetch the image NAME from a registry, for containers within labs."""
    log.start("error")  # what goes wrong is said in a sentence
    known = settings.load({"data": data, "registry_mirror": mirror})
    wanted = reference.read(name)
    access = Access(user, click.prompt("Password", hide_input=True, err=True)) if user else None
    started = time.monotonic()
    with Progress() as progress:
        image = fetcher(known).pull(
            wanted,
            progress.amount,
            mirror=reference.read_mirror(known.registry_mirror),
            access=access,
        )
    _say_here(image, wanted.name, started)


@command.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("name", required=False)
@data_option
def load(archive: Path, name: str | None, data: Path | None) -> None:
    """Take the image of an ARCHIVE (`docker save`, `podman save`), under a NAME if you say one."""
    log.start("error")
    wanted = reference.read(name or archives.name(archive))
    started = time.monotonic()
    with Progress() as progress:
        image = fetcher(settings.load({"data": data})).load(archive, wanted, progress.amount)
    _say_here(image, wanted.name, started)


@command.command()
@click.argument("source")
@click.argument("name")
@data_option
def root(source: str, name: str, data: Path | None) -> None:
    """Let labs start from SOURCE, an image of those for containers, under the name NAME.

    A lesson says `image: NAME`. Terminals are root's, in the image's own shell; what labs start
    from has to have one. Machines don't boot from it.
    """
    known = settings.load({"data": data})
    wanted = reference.read(source)
    found = fetcher(known).store.require(wanted)
    started = time.monotonic()
    image = rooting.make(found, name, _store(data))
    click.echo(f"{image.name} {_mb(image.size_bytes)}, {_took(started)}", err=True)


@command.command(name="list")
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON list.")
def list_(data: Path | None, *, as_json: bool) -> None:
    """List the images that are here, whole: what labs start from, then what containers in them do.

    Columns: name, of what kind, its size, how much of it no other image shares, when it was made.
    """
    rows = _images(data).rows()
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        made = time.strftime("%Y-%m-%d %H:%M", time.gmtime(row["built_at"]))
        kind = "labs" if row["kind"] == "root" else "containers in labs"
        sizes = f"{_mb(row['size_bytes'])}\tits own {_mb(row['own_bytes'])}"
        click.echo(f"{row['name']}\tfor {kind}\t{sizes}\tbuilt {made} UTC")


@command.command()
@click.argument("name")
@data_option
def rm(name: str, data: Path | None) -> None:
    """Remove the image NAME, unless a living lab may be using it."""
    freed = _images(data).remove(name)
    click.echo(f"removed {name}; of its own it took {_mb(freed)}", err=True)


@command.command()
@data_option
def gc(data: Path | None) -> None:
    """Remove what nothing can be made from any more, and no living lab may be using.

    That is: roots that a build replaced, what interrupted builds and fetches left, and images that
    a newer one took the name of.
    """
    replaced, layers = _images(data).sweep()
    click.echo(f"removed {replaced + layers}", err=True)


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

    def amount(self, step: str, done_bytes: int, total_bytes: int) -> None:
        """Show how far a fetch is."""
        if not total_bytes:
            self.tell(step, 0)
            return
        amounts = f", {done_bytes / 1e6:.0f} of {_mb(total_bytes)}" if self._is_terminal else ""
        self.tell(f"{step}{amounts}", done_bytes * 100 // total_bytes)


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


def _build_folder(
    folder: Path, data: Path | None, progress: Progress, disk_bytes: int
) -> SharedImage:
    """Have what it starts from, and let it be built in a lab."""
    known = settings.load({"data": data})
    brings = fetcher(known)
    with tempfile.TemporaryFile() as context:
        with tarfile.open(fileobj=context, mode="w") as members:
            members.add(folder, arcname=".", filter=_as_nobody)
        recipe = building.Recipe.read(context, folder.resolve().name, str(folder))
        need_image(Instance.at(known.data), building.IMAGE)
        mirror = reference.read_mirror(known.registry_mirror)
        building.have_bases(recipe, _store(data), brings, mirror, progress.amount)
        progress.amount("making a lab to build in", 0, 0)
        limits = {
            "memory_bytes": building.MEMORY_BYTES,
            "pids": building.PIDS,
            "cpu_cores": building.CORES,
            "disk_bytes": disk_bytes,
        }
        order = {
            "image": building.IMAGE,
            "profile": building.PROFILE,
            "internet": True,
            "limits": limits,
            "until": time.time() + 2 * building.TIMEOUT_S,
        }
        with runtime(data) as client, fresh_lab(client, "build", order) as lab:
            place = _Place(client, lab)
            return building.build(recipe, place, brings, sys.stderr.fileno(), progress.amount)


class _Place(NamedTuple):
    """The lab of one build, through the door."""

    client: Client
    lab: str

    def run(self, command: str, stdin: int, stdout: int) -> int:
        """Run a line of shell there."""
        argv = ["/bin/bash", "-o", "pipefail", "-lc", command]
        fds = (stdin, stdout, sys.stderr.fileno())
        return self.client.lab_exec(self.lab, argv, user="learner", fds=fds)


def _as_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def fetcher(known: settings.Settings) -> Fetcher:
    """What fills the store of a server's images."""
    instance = Instance.at(known.data)
    return Fetcher(SharedStore.of(instance), instance.fetches_path, known.images_max_bytes)


def _images(data: Path | None) -> Images:
    known = settings.load({"data": data})
    instance = Instance.at(known.data)
    brings = fetcher(known)
    living = partial(state.recorded, instance.labs_path)
    return Images(Store(instance.images_path), brings.store, brings, living)


def _store(data: Path | None) -> Store:
    return Store(Instance.at(settings.load({"data": data}).data).images_path)


def _say_here(image: SharedImage, name: str, started: float) -> None:
    click.echo(f"{name} {_mb(image.size_bytes)}, {_took(started)}", err=True)
    for note in fitness.notes(image.settings, has_shell=image.has_shell, has=image.has):
        click.echo(note, err=True)


def _took(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f} MB"
