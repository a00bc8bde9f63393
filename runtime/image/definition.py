"""What an image is made of, as `lessons/images/NAME/` says it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runtime.problems import Problem

DEFINITIONS = Path(__file__).resolve().parents[2] / "lessons" / "images"


@dataclass(frozen=True)
class Definition:
    """One image, before it is built.

    Attributes:
        name: on the wire, such as `slipway/base`.
        packages: Debian packages beyond the minimal system, or beyond the image it extends.
        suite: of the distribution; empty for the host's own.
        epoch: no file is newer (seconds since 1970), so that builds can be compared.
        user: the account that terminals log in as, with `uid` and `shell`.
        files_path: laid over the root as they are; owned by root.
        extends: the image that it begins as, with its suite, epoch and user; empty for none.
        finish_path: a script that is run at the end, with the root as its `$1`; None for none.
    """

    name: str
    packages: tuple[str, ...]
    suite: str
    epoch: int
    user: str
    uid: int
    shell: str
    files_path: Path
    extends: str = ""
    finish_path: Path | None = None


def definitions(path: Path = DEFINITIONS) -> dict[str, Definition]:
    """Read every image that this checkout can build, by name.

    Raises:
        Problem: `image-definition`, which names the file and what is wrong with it.
    """
    files = {file: _raw(file) for file in sorted(path.glob("*/image.toml"))}
    found: dict[str, Definition] = {}
    # What is extended comes first.
    for file, raw in sorted(files.items(), key=lambda each: "extends" in each[1]):
        try:
            definition = _parse(raw, file.parent, found)
        except (KeyError, TypeError, ValueError) as error:
            raise _broken(file, error) from error
        found[definition.name] = definition
    return found


def _raw(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise _broken(file, error) from error


def _parse(raw: dict[str, Any], folder: Path, known: dict[str, Definition]) -> Definition:
    finish = folder / "finish.sh"
    own = Definition(
        name=str(raw["name"]),
        packages=tuple(str(package) for package in raw["packages"]),
        suite=str(raw.get("suite", "")),
        epoch=0,
        user="",
        uid=0,
        shell="",
        files_path=folder / "root",
        extends=str(raw.get("extends", "")),
        finish_path=finish if finish.is_file() else None,
    )
    if own.extends:
        base = known[own.extends]
        return replace(
            own,
            suite=base.suite,
            epoch=base.epoch,
            user=base.user,
            uid=base.uid,
            shell=base.shell,
        )
    user = raw["user"]
    return replace(
        own,
        epoch=int(raw["epoch"]),
        user=str(user["name"]),
        uid=int(user["uid"]),
        shell=str(user["shell"]),
    )


def _broken(file: Path, error: Exception) -> Problem:
    return Problem(
        "image-definition",
        f"{file} does not describe an image: {error}.",
        "Compare it with lessons/images/base/image.toml.",
        path=str(file),
    )
