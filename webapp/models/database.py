"""One database: who reads, who writes, and what survives a `kill -9`."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from webapp.problems import Problem, disk_full

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

log = structlog.get_logger()

BUSY_TIMEOUT_MS = 5000
DISK_FULL = {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"}
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")  # the first with what is corrupt after it


class Database:
    """Hands out sessions. Rows stay readable after their session closed.

    One writer at a time within the process. SQLite's own wait for a lock blocks the whole thread,
    so when a greenlet held the lock and another waited in SQLite, neither would go on; our lock is
    one that greenlets can wait for. What another process holds (the command line) is waited for by
    SQLite, 5 s at most. **Within `write()` nothing may wait** for the runtime, the network or
    another greenlet.

    Args:
        url: as SQLAlchemy wants it.

    Raises:
        Problem: `database-away` where it names none that could be opened.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self.engine = create_engine(url)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            kind = url.partition("://")[0] if "://" in url else "no address"  # a password follows
            raise _away(f"{kind} is none that this server knows") from error
        self._writing = threading.Lock()
        self._also: list[Callable[[Session], None]] = []
        self._write_engine = self.engine.execution_options(slipway_writes=True)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    def write_along(self, what: Callable[[Session], None]) -> None:
        """Let something more be kept, or not, together with each change, as its last part."""
        self._also.append(what)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose changes are all kept at the end, or none when it raises.

        Raises:
            Problem: `disk-full`.
        """
        try:
            with (
                self._writing,
                Session(self._write_engine, expire_on_commit=False) as session,
                session.begin(),
            ):
                yield session
                for what in self._also:
                    what(session)
        except OperationalError as error:
            if getattr(error.orig, "sqlite_errorname", "") not in DISK_FULL:
                raise
            log.error("database.disk_full", error=str(error.orig))  # noqa: TRY400 - it says it all
            raise disk_full() from error

    def close(self) -> None:
        """Gives back every connection."""
        self.engine.dispose()


@contextmanager
def opening() -> Iterator[None]:
    """What a database says that can't be opened, in a sentence.

    Raises:
        Problem: `disk-full`, `database-damaged`, `database-away`.
    """
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        origin = getattr(error, "orig", None) or error
        name = getattr(origin, "sqlite_errorname", "")
        if name in DISK_FULL:
            raise disk_full() from error
        if name.startswith(_DAMAGED):
            raise damaged(str(origin)) from error
        if isinstance(error, OperationalError | sqlite3.OperationalError):
            raise _away(str(origin)) from error
        raise


def damaged(why: str) -> Problem:
    """Its pages make no sense any more."""
    return Problem(
        "database-damaged",
        f"The database is damaged: {why}.",
        "Restore a backup, or take one of the copies beside it.",
    )


def _away(why: str) -> Problem:
    return Problem(
        "database-away",
        f"The database can't be opened: {why}.",
        "Look at the setting database_url; without it, at the files in the data folder's web/.",
    )


def copy_sqlite(source: Path, target: Path) -> None:
    """One moment of a database, by SQLite's own means; who writes to it meanwhile isn't held up.

    Copying the file alone would miss what is in the WAL.
    """
    with closing(sqlite3.connect(source)) as opened, closing(sqlite3.connect(target)) as copy:
        opened.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        opened.backup(copy)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """WAL so that readers never wait.

    FULL so that what was said to be kept is, even when the power goes; secure_delete so that what
    was deleted can't be read out of the file.
    """
    connection.isolation_level = None  # else the driver begins transactions by itself, and too late
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once.

    One that reads first and writes later may be refused for ever.
    """
    writes = connection.get_execution_options().get("slipway_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
