"""The web's folder, replaced by a restored one: whole, or not at all, wherever it is cut off.

Both folders change places in one step of the file system's. What was there before then lies where
the restored one was, beside its number, which was noted before that step: so whoever has the
data folder next knows whether the step was taken, and takes it back.
"""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import structlog

from runtime.kernel.syscalls import exchange

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.instance import Instance

log = structlog.get_logger()

WEB = "web"
SETTINGS = "slipway.toml"
_FOLDER = ".restored"
_BEFORE = "before"


def begin(instance: Instance) -> Path:
    """An empty folder for what is restored; nothing of an earlier attempt is left in it."""
    mend(instance)
    fresh = _fresh(instance)
    fresh.mkdir(mode=0o700)
    (fresh / WEB).mkdir(mode=0o700)
    return fresh


def replace(instance: Instance) -> None:
    """Let both folders change places; until `keep`, `undo` changes them back."""
    fresh = _fresh(instance)
    for folder, _, _ in os.walk(fresh / WEB):
        _write_through(folder)
    with (fresh / _BEFORE).open("w") as noted:
        noted.write(_number(instance.web_path))
        noted.flush()
        os.fsync(noted.fileno())
    _write_through(fresh)
    exchange(fresh / WEB, instance.web_path)
    _write_through(instance.data_path)


def keep(instance: Instance, aside: Path | None) -> None:
    """What was restored stays; what was there before goes aside, or away if it was empty."""
    before = _fresh(instance) / WEB
    if aside:
        before.rename(aside)
    else:
        before.rmdir()
    _write_through(_fresh(instance))
    undo(instance)


def undo(instance: Instance) -> bool:
    """Make it as it was, unless what was restored is kept; who calls has the lock.

    Returns:
        Whether the folders had changed places.
    """
    fresh = _fresh(instance)
    noted = _noted(fresh)
    is_replaced = bool(noted) and _number(fresh / WEB) == noted
    if is_replaced:
        exchange(fresh / WEB, instance.web_path)
        _write_through(instance.data_path)
    elif (fresh / _BEFORE).exists() and not (fresh / WEB).exists() and (fresh / SETTINGS).exists():
        (fresh / SETTINGS).replace(instance.data_path / f"{SETTINGS}.restored")
    elif noted and (fresh / WEB).exists() and _number(instance.web_path) != noted:
        _set_aside(instance)
    shutil.rmtree(fresh, ignore_errors=True)
    return is_replaced


def mend(instance: Instance) -> None:
    """Undo what was cut off, and say so; for whoever begins with the data folder."""
    if undo(instance):
        log.warning(
            "restore.undone",
            why="it was cut off before it was compared; what was there before is back",
        )


def _fresh(instance: Instance) -> Path:
    return instance.data_path / _FOLDER


def _noted(fresh: Path) -> str:
    """The number of the folder that was there before; empty before it was noted."""
    try:
        return (fresh / _BEFORE).read_text()
    except FileNotFoundError:
        return ""


def _number(folder: Path) -> str:
    """Of the folder itself, or of the link to it, since that is what changes places."""
    try:
        return str(folder.lstat().st_ino)
    except FileNotFoundError:
        return ""


def _set_aside(instance: Instance) -> None:
    """Keep both: an overlay may number its folders anew when it is mounted again."""
    aside = instance.data_path / time.strftime("web.aside-%Y-%m-%d-%H%M%S")
    (_fresh(instance) / WEB).rename(aside)
    _write_through(instance.data_path)
    log.error(
        "restore.unclear",
        why="it was cut off, and web may be what was there before or what was restored",
        aside=str(aside),
    )


def _write_through(folder: Path | str) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
