"""What an image is made of, as `lessons/images/NAME/` says it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.problems import Problem

DEFINITIONS = Path(__file__).resolve().parents[2] / "lessons" / "images"


@dataclass(frozen=True)
class Definition:
    """One image, before it is built.

    Attributes:
        name: on the wire, such as `slipway/base`.
        packages: Debian packages beyond the minimal system.
        suite: of the distribution; empty for the host's own.
        epoch: no file is newer (seconds since 1970), so that builds can be compared.
        user: the account that terminals log in as, with `uid` and `shell`.
        files_path: laid over the root as they are; owned by root.
    """

    name: str
    packages: tuple[str, ...]
    suite: str
    epoch: int
    user: str
    uid: int
    shell: str
    files_path: Path


def definitions(path: Path = DEFINITIONS) -> dict[str, Definition]:
    """Read every image that this checkout can build, by name.

    Raises:
        Problem: `image-definition`, which names the file and what is wrong with it.
    """
    found = (_read(file) for file in sorted(path.glob("*/image.toml")))
    return {definition.name: definition for definition in found}


def _read(file: Path) -> Definition:
    try:
        raw = tomllib.loads(file.read_text())
        return _parse(raw, file.parent / "root")
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Problem(
            "image-definition",
            f"{file} does not describe an image: {error}.",
            "Compare it with lessons/images/base/image.toml.",
            path=str(file),
        ) from error


def _parse(raw: dict[str, Any], files: Path) -> Definition:
    return Definition(
        name=str(raw["name"]),
        packages=tuple(str(package) for package in raw["packages"]),
        suite=str(raw.get("suite", "")),
        epoch=int(raw["epoch"]),
        user=str(raw["user"]["name"]),
        uid=int(raw["user"]["uid"]),
        shell=str(raw["user"]["shell"]),
        files_path=files,
    )
