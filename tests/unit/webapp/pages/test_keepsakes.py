"""What a learner takes home, and who else may see of it what."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from webapp.models.events import record
from webapp.problems import Problem
from webapp.workshops.joining import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring


@pytest.fixture
def learner(ben: Browser, parts: Wiring, workshop: Workshop) -> Learner:
    """Ben, who has a lab when a test gives him one."""
    learner, token = join(parts.database, workshop.code, "ben", "attempt")
    ben.client.set_cookie("slipway_learner", token)
    return learner


def test_the_learners_own_files_come_as_an_archive_while_there_is_a_lab(
    ben: Browser, parts: Wiring, workshop: Workshop, learner: Learner
) -> None:
    lab = parts.labs.give(learner, workshop)
    answer = ben.get("/work/files.tar.gz")
    assert answer.data == f"packed {lab['lab']}".encode()
    assert answer.mimetype == "application/gzip"
    parts.labs.remove(learner.id)
    assert ben.get("/work/files.tar.gz").status_code == 409
    assert "no files to download" in ben.get("/work").text


def test_what_cannot_begin_is_a_page_that_says_so_and_no_empty_file(
    ben: Browser, parts: Wiring, engine: MemoryEngine, workshop: Workshop, learner: Learner
) -> None:
    parts.labs.give(learner, workshop)
    engine.is_away = True
    answer = ben.get("/work/files.tar.gz")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")
    engine.is_away = False
    assert ben.get("/work/files.tar.gz").status_code == 200


def test_a_second_download_waits_for_the_first_and_one_that_broke_frees_the_way(
    parts: Wiring,
    engine: MemoryEngine,
    workshop: Workshop,
    learner: Learner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts.labs.give(learner, workshop)
    going_on, pack = threading.Event(), engine.lab_changes

    def slowly(lab: str, fd: int) -> None:
        pack(lab, fd)
        going_on.wait(30)
        raise Problem("changes-cut", "It broke off.")

    monkeypatch.setattr(engine, "lab_changes", slowly)
    first = parts.keepsakes.files(learner.id)
    with pytest.raises(Problem, match="on their way"):
        parts.keepsakes.files(learner.id)
    going_on.set()
    with pytest.raises(Problem, match="broke off"):
        list(first)
    assert next(parts.keepsakes.files(learner.id)).startswith(b"packed")


def test_the_transcript_says_what_was_tried_and_what_was_found(
    ben: Browser, parts: Wiring, learner: Learner
) -> None:
    step = "00-your-terminal/01-a-prompt"
    with parts.database.write() as session:
        record(session, learner.id, "opened", step)
        facts = {"title": "", "expected": "one process", "found": "two"}
        record(session, learner.id, "checked", step, passed=False, broke=False, **facts)
        record(session, learner.id, "pressed", step, name="hint-1")
        record(session, learner.id, "checked", step, passed=True, broke=False, title="")
    text = ben.get("/work/transcript.txt").text
    assert "What ben did" in text
    assert "check: not yet. Expected: one process Found: two" in text
    assert text.index("opened a hint") < text.index("check: passed")


def test_a_certificate_bears_the_chosen_name_and_anybody_may_read_it(
    ben: Browser,
    parts: Wiring,
    learner: Learner,
    workshop: Workshop,
    open_browser: Callable[[], Browser],
) -> None:
    place = ben.post("/work/certificate", {"name": "Benedikt <b>Ö</b>"}).location
    assert learner.public_id not in place
    page = open_browser().get(place)
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert "Benedikt &lt;b&gt;Ö&lt;/b&gt;" in page.text
    assert "took part in" in page.text
    assert workshop.code not in page.text
    assert ben.post("/work/certificate", {"name": "Ben"}).location == place
    assert "<bdi>Ben</bdi>" in open_browser().get(place).text
    assert open_browser().get("/c/another").status_code == 404
    assert parts.library.lessons["00-your-terminal"].title in page.text


def test_a_name_that_nobody_can_see_makes_no_certificate(ben: Browser, learner: Learner) -> None:
    answer = ben.post("/work/certificate", {"name": " \u200b "})
    assert answer.status_code == 422
    assert "no character that can be seen" in answer.text
    assert learner.certificate_id is None
