"""Brings a database up to date, with a copy of what it was beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from webapp.models.database import copy_sqlite, opening
from webapp.problems import Problem

if TYPE_CHECKING:
    from webapp.models.database import Database


def upgrade(database: Database) -> str | None:
    """Runs the steps that are missing, all in one transaction; where none is, nothing is touched.

    Returns:
        The revision that it had before, None for a new database.

    Raises:
        Problem: `database-newer` when a later Slipway has written it; `database-damaged`,
            `database-away`, `disk-full`.
    """
    with opening():
        return _upgrade(database)


def _upgrade(database: Database) -> str | None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    scripts = ScriptDirectory.from_config(config)
    with database.read() as session:
        before = MigrationContext.configure(session.connection()).get_current_revision()
    if before == scripts.get_current_head():
        return before
    if before is not None:
        _require_known(scripts, before)
        _copy_aside(database, before)
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
    return before


def _require_known(scripts: ScriptDirectory, revision: str) -> None:
    if revision not in {script.revision for script in scripts.walk_revisions()}:
        raise Problem(
            "database-newer",
            f"The database was written by a later Slipway (its revision is {revision}).",
            "Start that version, or take the copy beside the database from before its upgrade.",
        )


def _copy_aside(database: Database, revision: str) -> None:
    """A whole copy, beside it."""
    if database.engine.dialect.name != "sqlite" or not database.engine.url.database:
        return
    path = Path(database.engine.url.database)
    copy = path.with_name(f"{path.name}.before-{revision}")
    unfinished = copy.with_name(f"{copy.name}.part")
    copy_sqlite(path, unfinished)
    unfinished.chmod(0o600)
    unfinished.replace(copy)
