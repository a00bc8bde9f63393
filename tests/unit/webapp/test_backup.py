"""What goes into a backup, and what doesn't."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from webapp.backup import write_backup
from webapp.problems import Problem

if TYPE_CHECKING:
    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.settings import Settings
    from webapp.wiring import Wiring

TOP = Path(__file__).resolve().parents[3]
# The web's command line, as whoever runs the test.
AS_ITSELF = "import os; os.geteuid = lambda: 1; from webapp.cli.main import run; run()"
CAST = b'{"version": 2}\n[0.1, "o", "whole"]\n'


def saved(
    settings: Settings,
    config: Path | None = None,
    images: tuple[str, ...] = (),
    *,
    has_database: bool = True,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The list, and every file of a backup."""
    target = io.BytesIO()
    listed = write_backup(settings, target, config=config, images=images, has_database=has_database)
    with tarfile.open(fileobj=io.BytesIO(target.getvalue()), mode="r|gz") as archive:
        found = {
            member.name: content.read()
            for member in archive
            if (content := archive.extractfile(member)) is not None
        }
    assert json.loads(found.pop("manifest.json")) == listed
    return listed, found


def test_each_file_is_listed_with_its_size_and_sum(
    settings: Settings, parts: Wiring, workshop: Workshop, tmp_path: Path
) -> None:
    (tmp_path / "slipway.toml").write_text("port = 1\n")
    listed, found = saved(settings, config=tmp_path / "slipway.toml", images=("slipway/base",))
    assert set(found) == {"slipway.toml", "web/key", "web/slipway.db"}
    assert found["web/key"] == parts.key
    assert listed["images"] == ["slipway/base"]
    assert listed["counts"]["workshops"] == 1
    assert {each["name"]: each["sha256"] for each in listed["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in found.items()
    }
    assert workshop.code


def test_the_database_is_one_moment_though_somebody_writes(
    settings: Settings, parts: Wiring, workshop: Workshop, ben: Browser, tmp_path: Path
) -> None:
    ben.join(workshop.code, "ben")
    with parts.database.write() as session:
        session.connection().exec_driver_sql("UPDATE learners SET name = 'half'")
        session.flush()
        _, found = saved(settings)
    (tmp_path / "copy.db").write_bytes(found["web/slipway.db"])
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT name FROM learners").fetchall() == [("ben",)]


@pytest.mark.usefixtures("parts")
def test_a_recording_that_grows_ends_with_its_last_whole_line(settings: Settings) -> None:
    folder = settings.web_path / "recordings/w/l"
    folder.mkdir(parents=True)
    (folder / "0a-1.cast").write_bytes(CAST + b'[0.2, "o", "ha')
    _, found = saved(settings)
    assert found["web/recordings/w/l/0a-1.cast"] == CAST


@pytest.mark.usefixtures("parts")
def test_links_and_what_is_half_written_stay_out(settings: Settings) -> None:
    (settings.web_path / "secret").symlink_to("/etc/shadow")
    (settings.web_path / ".backup-left").write_text("of one that was killed")
    (settings.web_path / "slipway.db.before-0001.part").write_text("half")
    (settings.web_path / "slipway.db.before-0001").write_text("a copy")
    _, found = saved(settings)
    assert set(found) == {"web/key", "web/slipway.db", "web/slipway.db.before-0001"}
    assert not (settings.web_path / ".backup-left").exists()


def test_a_database_elsewhere_is_said_to_be_left_out(settings: Settings, parts: Wiring) -> None:
    elsewhere = replace(settings, database_url="postgresql:///slipway")
    with pytest.raises(Problem, match="pg_dump"):
        saved(elsewhere)
    _, found = saved(elsewhere, has_database=False)
    assert found["web/key"] == parts.key


def test_no_room_for_it_is_one_sentence(settings: Settings, parts: Wiring) -> None:
    environ = {"SLIPWAY_DATA": str(settings.data), "PYTHONPATH": str(TOP), "PATH": "/usr/bin"}
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a descriptor is all that is wanted
        done = subprocess.run(
            [sys.executable, "-c", AS_ITSELF, "backup", f"--to-fd={full.fileno()}"],
            env=environ,
            pass_fds=(full.fileno(),),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "The backup can't be written: No space left on device." in done.stderr
    assert "Traceback" not in done.stderr
    assert parts.key


def test_where_no_server_ran_there_is_nothing_to_save(settings: Settings) -> None:
    with pytest.raises(Problem, match="nothing to save"):
        saved(settings)
