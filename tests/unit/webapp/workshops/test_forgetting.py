"""What is forgotten, when, and what stays."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from webapp.models.base import now
from webapp.models.events import Event
from webapp.models.people import Browser as BrowserRow
from webapp.models.people import Learner
from webapp.models.workshops import Workshop
from webapp.problems import Problem
from webapp.workshops.forgetting import Forgetting, forget
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.models.base import WorkshopId
    from webapp.wiring import Wiring

NAME = "benjamin-the-unforgettable"


def end(parts: Wiring, workshop_id: WorkshopId, days_ago: float) -> None:
    with parts.database.write() as session:
        session.get_one(Workshop, workshop_id).ended_at = now() - timedelta(days=days_ago)


def recording(parts: Wiring, workshop: Workshop) -> Path:
    folder = parts.settings.web_path / "recordings" / workshop.public_id / "someone"
    folder.mkdir(parents=True)
    (folder / "0a-1.cast").write_text("{}\n")
    return folder


def left(parts: Wiring) -> dict[str, int]:
    with parts.database.read() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0
            for table in (Workshop, Learner, Event, BrowserRow)
        }


def test_nothing_of_a_forgotten_workshop_is_left(parts: Wiring, workshop: Workshop) -> None:
    before = left(parts)
    join(parts.database, workshop.code, NAME, "attempt")
    folder = recording(parts, workshop)
    end(parts, workshop.id, days_ago=0)
    assert forget(parts.database, parts.settings.web_path, workshop.id) == 1
    assert left(parts) == {**before, "workshops": 0}
    assert not folder.exists()


def test_what_was_deleted_cannot_be_read_out_of_the_file(parts: Wiring, workshop: Workshop) -> None:
    def is_there() -> bool:
        with parts.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return NAME.encode() in (parts.settings.web_path / "slipway.db").read_bytes()

    join(parts.database, workshop.code, NAME, "attempt")
    assert is_there()
    end(parts, workshop.id, days_ago=0)
    forget(parts.database, parts.settings.web_path, workshop.id)
    assert not is_there()


def test_a_workshop_that_goes_on_is_never_forgotten(parts: Wiring, workshop: Workshop) -> None:
    with pytest.raises(Problem, match="goes on"):
        forget(parts.database, parts.settings.web_path, workshop.id)
    Forgetting(parts.database, parts.settings.web_path, days=1).look()
    assert left(parts)["workshops"] == 1


@pytest.mark.parametrize(("days_ago", "kept"), [(29, 1), (31, 0)])
def test_it_is_forgotten_when_its_days_are_over(
    parts: Wiring, workshop: Workshop, days_ago: int, kept: int
) -> None:
    end(parts, workshop.id, days_ago=days_ago)
    Forgetting(parts.database, parts.settings.web_path, days=30).look()
    assert left(parts)["workshops"] == kept


def test_old_copies_of_the_database_are_forgotten_with_it(parts: Wiring) -> None:
    old, new = (parts.settings.web_path / f"slipway.db.before-{name}" for name in ("0001", "0002"))
    for path, days in ((old, 31), (new, 29)):
        path.touch()
        at = (now() - timedelta(days=days)).timestamp()
        os.utime(path, (at, at))
    Forgetting(parts.database, parts.settings.web_path, days=30).look()
    assert (old.exists(), new.exists()) == (False, True)
