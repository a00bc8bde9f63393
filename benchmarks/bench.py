"""What the benchmarks' command lines share: two options, an image, and a folder to work in."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runtime.image.build import Builder
from runtime.image.definition import definitions
from runtime.image.store import Image, Store
from runtime.instance import Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = "slipway/base"
_GUEST = Path(__file__).resolve().parents[1] / "runtime/machine/guest"  # boots it as a machine

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
data_option = click.option(
    "--data",
    type=Path,
    default=Path("/var/lib/slipway"),
    show_default=True,
    help="Where slipway/base lies or is built; a server may run there.",
)


@contextmanager
def workplace(data_path: Path) -> Iterator[tuple[Path, Image]]:
    """A folder that is gone afterwards, and the base image, built if need be."""
    image = _find_image(data_path)
    # Not in /tmp: a lab's root, who is nobody out here, passes through; and it may be a tmpfs.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder, image


def say(what: str) -> None:
    """Talk goes to standard error, the answer to standard output."""
    click.echo(what, err=True)


def _find_image(data_path: Path) -> Image:
    """The image; built again where what it is made from has changed since, as shells and all do."""
    store = Store(Instance.at(data_path).images_path)
    source = definitions()[IMAGE].files_path.parent
    newest = max(path.stat().st_mtime for top in (source, _GUEST) for path in top.rglob("*"))
    if store.has(IMAGE) and (image := store.get(IMAGE)).built_at > newest:
        return image
    return Builder(store).build(
        IMAGE, lambda step, percent: say(f"{percent:3} % {step}"), again=True
    )
