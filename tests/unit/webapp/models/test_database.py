"""What the database promises."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from webapp import migrations, models
from webapp.migrations.upgrade import upgrade
from webapp.models.base import Base
from webapp.models.database import Database, opening
from webapp.models.people import Person
from webapp.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE_THEN_DIE = """
import os, signal, sys
from webapp.models.database import Database, opening
from webapp.models.people import Person
database = Database(sys.argv[1])
with database.write() as session:
    session.add(Person(name="ada", name_key="ada"))
os.kill(os.getpid(), signal.SIGKILL)
"""

NEWEST = ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'slipway.db'}")
    upgrade(database)
    yield database
    database.close()


def test_the_migrations_make_exactly_what_the_models_say(database: Database) -> None:
    for module in iter_modules(models.__path__):
        import_module(f"webapp.models.{module.name}")
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_what_was_kept_survives_kill_9(database: Database) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRITE_THEN_DIE, database.url],
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert done.returncode == -signal.SIGKILL
    with database.read() as session:
        assert [each.name for each in session.query(Person)] == ["ada"]


def test_a_writer_that_raises_keeps_nothing(database: Database) -> None:
    def write() -> None:
        with database.write() as session:
            session.add(Person(name="ada", name_key="ada"))
            session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        write()
    with database.read() as session:
        assert session.query(Person).count() == 0


def test_a_reader_sees_what_was_and_never_waits_for_a_writer(database: Database) -> None:
    with database.write() as writing:
        writing.add(Person(name="ada", name_key="ada"))
        writing.flush()
        with database.read() as reading:
            assert reading.query(Person).count() == 0


def test_a_second_start_changes_nothing_and_copies_nothing(
    database: Database, tmp_path: Path
) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    assert upgrade(database) == NEWEST
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_database_of_a_later_slipway_is_left_alone(database: Database) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Problem, match="written by a later Slipway"):
        upgrade(database)


def test_a_migration_copies_what_was_there_before(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        session.add(Person(name="ada", name_key="ada"))
    monkeypatch.setattr("alembic.script.ScriptDirectory.get_current_head", lambda _self: "later")
    upgrade(database)
    with closing(sqlite3.connect(tmp_path / f"slipway.db.before-{NEWEST}")) as copy:
        assert copy.execute("SELECT name FROM people").fetchall() == [("ada",)]


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_what_was_kept_is_on_the_disk_and_not_in_a_cache(
    database: Database, pragma: str, value: object
) -> None:
    with database.read() as session:
        assert session.execute(text(f"PRAGMA {pragma}")).scalar() == value


@pytest.mark.parametrize("place", [0, 4096 + 8])  # its very first bytes; a page of the schema's
def test_a_database_that_is_damaged_is_said_to_be(tmp_path: Path, place: int) -> None:
    path = tmp_path / "slipway.db"
    whole = Database(f"sqlite:///{path}")
    upgrade(whole)
    whole.close()
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"not what was written" * 500)
    bent = Database(f"sqlite:///{path}")
    try:
        with pytest.raises(Problem, match=r"The database is damaged: .*Restore a backup"):
            upgrade(bent)
    finally:
        bent.close()


@pytest.mark.parametrize(
    "url", ["nonsense", "other://ada:secret@lab/slipway", "sqlite:////nowhere/slipway.db"]
)
def test_a_database_that_can_t_be_opened_is_one_sentence_without_a_password(url: str) -> None:
    with pytest.raises(Problem, match="The database can't be opened") as raised:
        upgrade(Database(url))
    assert "secret" not in str(raised.value)


def test_an_index_that_lost_a_row_is_a_damage(tmp_path: Path) -> None:
    def run(*scripts: str) -> None:
        with closing(sqlite3.connect(tmp_path / "bent.db")) as bent:
            for script in scripts:
                bent.executescript(script)

    unlisted = "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'i';"
    listed = "INSERT INTO sqlite_schema VALUES ('index', 'i', 't', 3, 'CREATE INDEX i ON t (a)');"
    run("CREATE TABLE t (a); CREATE INDEX i ON t (a);", unlisted)
    run("INSERT INTO t VALUES (1); PRAGMA writable_schema = ON;", listed)
    with pytest.raises(Problem, match="The database is damaged"), opening():
        run("DELETE FROM t WHERE a + 0 = 1")
