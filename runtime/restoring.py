"""Puts back what a backup holds: all of it is read and compared before anything is replaced."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import tarfile
import time
import zlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NoReturn

from runtime import as_web, folders, replacing
from runtime.instance import Instance
from runtime.problems import Problem
from runtime.replacing import SETTINGS, WEB

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.settings import Settings

FORMAT = 1
LIST = "manifest.json"
_CHUNK_BYTES = 1 << 20
_LIST_MOST_BYTES = 64 << 20


def restore(settings: Settings, file: Path, *, replace: bool) -> dict[str, Any]:
    """Make the data folder what it was when a backup was made.

    Args:
        settings: say which data folder.
        file: what `./slipway backup` made.
        replace: put what is there now aside, as `web.before-TIME`.

    Returns:
        The archive's list; `aside`, where what was there went, is added.

    Raises:
        Problem: `data-in-use`, `restore-labs`, `restore-occupied`, `backup-unreadable`,
            `backup-broken`, `backup-newer`, `restore-failed`; then nothing has changed.
    """
    instance = Instance.at(settings.data)
    folders.make(instance)
    with ExitStack() as undo:
        undo.callback(os.close, folders.lock(instance, 0))
        undo.callback(folders.clean_run, instance)
        fresh = replacing.begin(instance)
        undo.callback(replacing.undo, instance)
        _require_room(instance, replace=replace)
        contents = _unpack(file, fresh)
        contents["aside"] = _put_in_place(settings, instance)
    return contents


def _require_room(instance: Instance, *, replace: bool) -> None:
    labs = [path.name for path in instance.labs_path.glob("*")]
    if labs:
        raise Problem(
            "restore-labs",
            f"{len(labs)} labs live here, and would be other people's afterwards.",
            "End them with `./slipway lab rm --all`, then restore again.",
        )
    if any(instance.web_path.iterdir()) and not replace:
        raise Problem(
            "restore-occupied",
            f"{instance.web_path} holds the data of a server.",
            "Give --replace to put it aside, or another folder with --data.",
        )


def _unpack(file: Path, fresh: Path) -> dict[str, Any]:
    """Read the archive to its end into an empty folder; its list, which is what was read."""
    found: dict[str, tuple[int, str]] = {}
    listed: bytes | None = None
    try:
        with gzip.open(file) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                if content is None or listed is not None:
                    _broken(file, f"{member.name} has no place in it")
                if member.name == LIST:
                    listed = content.read(_LIST_MOST_BYTES)
                else:
                    place = _place(file, fresh, member.name)
                    found[member.name] = _write(content.read, place)
            while packed.read(_CHUNK_BYTES):  # to its end, where its own sum is
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        _broken(file, str(error) or "it ends too early")
    except OSError as error:
        raise Problem(
            "backup-unreadable",
            f"{file} can't be read, or what it holds can't be written: {error.strerror}.",
            "Look at the path, and at the room on the disk.",
        ) from error
    return _compared(file, listed, found)


def _place(file: Path, fresh: Path, name: str) -> Path:
    """Where a member goes: below the folder, by its name alone."""
    steps = name.split("/")
    is_ours = name == SETTINGS or (steps[0] == WEB and len(steps) > 1)
    if not is_ours or any(step in {"", ".", ".."} or "\0" in step for step in steps):
        _broken(file, f"“{name[:80]}” has no place in it")
    place = fresh.joinpath(*steps)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _write(read: Any, place: Path) -> tuple[int, str]:  # noqa: ANN401 - a file's own method
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while chunk := read(_CHUNK_BYTES):
            digest.update(chunk)
            size += target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    return size, digest.hexdigest()


def _compared(
    file: Path, listed: bytes | None, found: dict[str, tuple[int, str]]
) -> dict[str, Any]:
    if listed is None:
        _broken(file, "it ends too early")
    try:
        contents: dict[str, Any] = json.loads(listed)
        if contents["format"] > FORMAT:
            raise Problem(
                "backup-newer",
                f"{file} was made by a later Slipway.",
                "Restore it with that version.",
            )
        wanted = {each["name"]: (each["bytes"], each["sha256"]) for each in contents["files"]}
    except (ValueError, TypeError, KeyError) as error:
        raise Problem("backup-broken", f"The list in {file} can't be read.") from error
    if wrong := sorted(dict(wanted.items() ^ found.items())):
        _broken(file, f"{wrong[0]} isn't what was saved")
    return contents


def _put_in_place(settings: Settings, instance: Instance) -> str:
    """Exchange the web's folder, and let the web itself read it; else as it was."""
    is_new = not any(instance.web_path.iterdir())
    aside = None if is_new else instance.data_path / time.strftime("web.before-%Y-%m-%d-%H%M%S")
    try:
        replacing.replace(instance)
    except OSError as error:
        raise Problem(
            "restore-failed",
            f"What was restored can't be put in place: {error.strerror}. Nothing has changed.",
            f"Look at the file system of {instance.data_path}, and at the room on it.",
        ) from error
    if as_web.run(settings, ("database", "check")):
        raise Problem(
            "restore-failed",
            "What was restored can't be used, so what was there is back.",
            "The lines above say why.",
        )
    replacing.keep(instance, aside)
    return str(aside or "")


def _broken(file: Path, why: str) -> NoReturn:
    raise Problem(
        "backup-broken",
        f"{file} is no whole backup: {why}.",
        "Nothing was changed. Take another one.",
    )
