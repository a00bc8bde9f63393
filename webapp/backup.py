"""A copy of all that the web keeps, taken while it serves: one archive, whole or worth nothing.

What lies in the archive is in docs/reference.md (*Backups*). Recordings grow while they are copied,
so each ends with its last whole line. The database comes last, so that whatever it knows of is
there; it is one moment of it, by SQLite's own means. At the very end comes the list of all that
should be there, with a sum of each: an archive without it was cut off.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from webapp.models.database import copy_sqlite
from webapp.problems import Problem
from webapp.workshops.recordings import SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from webapp.settings import Settings

FORMAT = 1
DATABASE = "slipway.db"
LIST = "manifest.json"
_LEFT = ".backup-"
_TAIL_BYTES = 1 << 16  # longer than any line of a recording
_COUNTED = ("workshops", "learners", "events")


def write_backup(
    settings: Settings,
    target: BinaryIO,
    *,
    config: Path | None,
    images: Sequence[str],
    has_database: bool = True,
) -> dict[str, Any]:
    """Write the archive; the server may go on meanwhile.

    Args:
        settings: of the web whose folder it is.
        target: where to; only written to, from front to back.
        config: the settings file, where there is one.
        images: names of the images that the server has; they are listed, not copied.
        has_database: leave it out where it is elsewhere and has tools of its own.

    Returns:
        The list at the archive's end.

    Raises:
        Problem: `backup-database` for one that isn't a file, `backup-empty`, `backup-unwritable`.
    """
    path = _database_path(settings) if has_database else None
    try:
        return _write(settings, target, path, config=config, images=images)
    except OSError as error:
        raise unwritable(error) from error
    except sqlite3.Error as error:
        raise unwritable(f"of the database no copy could be made, {error}") from error


def unwritable(why: OSError | str) -> Problem:
    """What to say where it has no room, or whoever took it went away."""
    said = why if isinstance(why, str) else why.strerror or str(why)
    return Problem(
        "backup-unwritable",
        f"The backup can't be written: {said}.",
        "It wants room where it goes, and in the data folder as much as the database takes.",
    )


def _write(
    settings: Settings,
    target: BinaryIO,
    path: Path | None,
    *,
    config: Path | None,
    images: Sequence[str],
) -> dict[str, Any]:
    kept: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    with (
        gzip.GzipFile(fileobj=target, mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        kept += [_add(archive, *each) for each in _files(settings.web_path, path, config)]
        if path:
            with _one_moment(path, settings.web_path) as copy:
                counts = _counted(copy)
                kept.append(_add(archive, f"web/{DATABASE}", copy))
        contents = {
            "format": FORMAT,
            "made_at": int(time.time()),
            "counts": counts,
            "images": sorted(images),
            "files": kept,
        }
        listed = json.dumps(contents, indent=1).encode()
        archive.addfile(_info(LIST, len(listed), time.time()), io.BytesIO(listed))
    return contents


def _database_path(settings: Settings) -> Path:
    kind, _, path = settings.database.partition(":///")
    if kind != "sqlite":
        raise Problem(
            "backup-database",
            "The database is not a file of this server's, so it isn't in a backup.",
            "Save it with its own tools, such as pg_dump, and give --without-database here.",
        )
    if not Path(path).exists():
        raise Problem(
            "backup-empty",
            "There is nothing to save: no server has run on this data folder.",
            "Name the right one with --data.",
        )
    return Path(path)


def _files(top: Path, database: Path | None, config: Path | None) -> Iterator[tuple[str, Path]]:
    """All that is kept beside the database, and nothing that is half written or linked to."""
    if config and config.exists():
        yield "slipway.toml", config
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            path = Path(folder) / name
            is_unfinished = name.startswith(".") or name.endswith(".part")
            if path.is_file() and not (
                path.is_symlink() or is_unfinished or _is_live(path, database)
            ):
                yield f"web/{path.relative_to(top)}", path


def _is_live(path: Path, database: Path | None) -> bool:
    """Whether it is the database itself, or one of the files that SQLite has beside it."""
    if database is None or path.parent != database.parent:
        return False
    return path.name.startswith(database.name) and ".before-" not in path.name


def _add(archive: tarfile.TarFile, name: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        size = _whole_lines(file, stat.st_size) if path.suffix == SUFFIX else stat.st_size
        summed = _Summed(file)
        archive.addfile(_info(name, size, stat.st_mtime), summed)
    return {"name": name, "bytes": size, "sha256": summed.digest.hexdigest()}


def _info(name: str, size: int, mtime: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime, 0o600
    return info


class _Summed(io.RawIOBase):
    """A file whose sum is taken as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """As the file's own."""
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _whole_lines(file: BinaryIO, size: int) -> int:
    """How much of a growing recording ends with a line's end."""
    start = max(0, size - _TAIL_BYTES)
    file.seek(start)
    tail = file.read(size - start)
    file.seek(0)
    return start + tail.rfind(b"\n") + 1


@contextmanager
def _one_moment(database: Path, folder: Path) -> Iterator[Path]:
    """A copy of the database as it is now, for a while; what an earlier one left is cleared."""
    for left in folder.glob(f"{_LEFT}*"):
        left.unlink(missing_ok=True)
    fd, name = tempfile.mkstemp(prefix=_LEFT, dir=folder)
    os.close(fd)
    copy = Path(name)
    try:
        copy_sqlite(database, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def _counted(copy: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as opened:
        return {
            table: opened.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
            for table in _COUNTED
        }
