"""The disk is full while the server runs, as any learner can bring about."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from sqlalchemy import event

from runtime.instance import Instance
from tests.conftest import TOP

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from tests.unit.webapp.conftest import Browser
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring


def test_a_full_disk_is_said_where_something_must_be_kept_and_pages_go_on(
    ben: Browser, chi: Browser, workshop: Workshop, parts: Wiring
) -> None:
    assert ben.join(workshop.code, "ben").status_code == 302

    def fill(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA max_page_count=1")  # the kernel's own answer, without a disk

    event.listen(parts.database.engine, "checkout", fill)
    answers = (chi.join(workshop.code, f"chi-{number}") for number in range(200))
    # The pages that there are have some room yet.
    answer = next(each for each in answers if each.status_code != 302)
    assert answer.status_code == 503
    assert "The server&#39;s disk is full" in answer.text
    assert ben.get("/pin").status_code == 200


def test_a_start_on_a_full_disk_is_refused_in_a_sentence(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    try:
        (disk / "filling").write_bytes(bytes(64 << 10))
        refused = subprocess.run(
            [sys.executable, "-m", "runtime", "up", "--data", disk / "data", "--port", "0"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PYTHONPATH": str(TOP), "PATH": "/usr/bin:/bin"},
        )
    finally:
        subprocess.run(["umount", disk], check=True)
    assert not Instance.at(disk / "data").run_path.exists()
    assert refused.returncode == 1
    assert refused.stderr.strip() == (
        f"The data folder {disk}/data can't be written: No space left on device."
        " Choose another with --data, or mend its file system."
    )
