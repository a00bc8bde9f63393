"""What a class came to: times, tries, hints and answers, on the page and in files."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from webapp.models.base import now
from webapp.models.events import Event
from webapp.models.people import Role
from webapp.models.workshops import Workshop
from webapp.workshops.joining import join
from webapp.workshops.results import results_of
from webapp.workshops.spreadsheet import as_csv
from webapp.workshops.teaching import assist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.unit.webapp.conftest import Browser, MemoryEngine
    from webapp.models.people import Learner
    from webapp.wiring import Wiring
    from webapp.workshops.results import Results

ONE, TWO = "00-your-terminal/01-a-prompt", "00-your-terminal/02-stop-and-get-out"
BEGAN = now() - timedelta(hours=2)


@pytest.fixture
def wide(parts: Wiring, workshop: Workshop) -> Workshop:
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).max_learners = 40
    return workshop


def do(
    parts: Wiring, learner: Learner, at_s: float, kind: str, step: str | None, **payload: object
) -> None:
    at = BEGAN + timedelta(seconds=at_s)
    with parts.database.write() as session:
        session.add(
            Event(learner_id=learner.id, at=at, type=kind, step=step, payload=dict(payload))
        )


def take_part(parts: Wiring, workshop: Workshop, name: str, took_s: float) -> Learner:
    """Somebody who passes the first step after a failure and a hint, and goes on to the second."""
    learner, _ = join(parts.database, workshop.code, name, f"attempt-{name}")
    do(parts, learner, 0, "opened", ONE)
    do(parts, learner, 1, "pressed", ONE, name="hint-1")
    for at_s, passed in ((2, False), (took_s, True)):
        for kind, more in _all_of_one(parts):
            do(parts, learner, at_s, kind, ONE, passed=passed, title="", **more)
    do(parts, learner, took_s + 5, "opened", TWO)
    return learner


def _all_of_one(parts: Wiring) -> list[tuple[str, Mapping[str, object]]]:
    step = parts.library.lessons["00-your-terminal"].steps[0]
    asked: list[tuple[str, Mapping[str, object]]] = [("checked", {})] if step.check else []
    return [*asked, *(("answered", {"question": q.name, "value": 0}) for q in step.questions)]


def read(parts: Wiring, workshop: Workshop) -> Results:
    with parts.database.read() as session:
        return results_of(session, session.get_one(Workshop, workshop.id), parts.library)


def end(parts: Wiring, workshop: Workshop) -> None:
    with parts.database.write() as session:
        session.get_one(Workshop, workshop.id).ended_at = now()


def test_time_tries_and_hints_of_a_step_are_those_of_its_learner(
    parts: Wiring, wide: Workshop
) -> None:
    take_part(parts, wide, "ben", took_s=90)
    cell = read(parts, wide).rows[0].cells[ONE]
    asked = len(_all_of_one(parts))
    assert (cell.state, cell.time_s) == ("passed", 90)
    assert (cell.progress.tries, cell.progress.hints_open) == (2 * asked, 1)


def test_a_step_that_was_left_unpassed_took_the_time_until_the_next_was_opened(
    parts: Wiring, wide: Workshop
) -> None:
    learner, _ = join(parts.database, wide.code, "ben", "attempt")
    do(parts, learner, 0, "opened", ONE)
    do(parts, learner, 70, "opened", TWO)
    do(parts, learner, 100, "pressed", TWO, name="hint-1")
    running = read(parts, wide).rows[0].cells
    assert (running[ONE].time_s, running[ONE].goes_on) == (70, False)
    assert running[TWO].goes_on
    end(parts, wide)
    assert read(parts, wide).rows[0].cells[TWO].time_s == 30


def test_no_step_is_charged_a_pause_of_the_class_wherever_it_fell(
    parts: Wiring, wide: Workshop
) -> None:
    learner, _ = join(parts.database, wide.code, "ben", "attempt")
    do(parts, learner, 0, "opened", ONE)
    do(parts, learner, 100, "rested", None, seconds=60)
    do(parts, learner, 110, "opened", TWO)
    do(parts, learner, 300, "rested", None, seconds=150)
    do(parts, learner, 320, "opened", "00-your-terminal/03-again-and-copy")
    cells = read(parts, wide).rows[0].cells
    assert (cells[ONE].time_s, cells[TWO].time_s) == (50, 60)
    assert cells[ONE].opened_at == BEGAN


def test_a_clock_that_is_set_back_shortens_no_step_and_no_wait(
    parts: Wiring, wide: Workshop
) -> None:
    learner, _ = join(parts.database, wide.code, "ben", "attempt")
    do(parts, learner, 3600, "opened", ONE)
    do(parts, learner, 3640, "opened", TWO)
    do(parts, learner, 3650, "raised", None)
    do(parts, learner, 60, "rested", None, seconds=-3600)
    do(parts, learner, 70, "lowered", None)
    do(parts, learner, 100, "opened", "00-your-terminal/03-again-and-copy")
    row = read(parts, wide).rows[0]
    assert (row.cells[ONE].time_s, row.cells[TWO].time_s) == (40, 60)
    assert row.hands == (20,)


def test_a_pause_before_the_clock_is_set_back_counts_for_its_own_step_only(
    parts: Wiring, wide: Workshop
) -> None:
    learner, _ = join(parts.database, wide.code, "ben", "attempt")
    do(parts, learner, 60, "opened", ONE)
    do(parts, learner, 110, "rested", None, seconds=30)
    do(parts, learner, 120, "opened", TWO)
    do(parts, learner, 200, "rested", None, seconds=20)
    do(parts, learner, 100, "rested", None, seconds=-120)
    do(parts, learner, 130, "rested", None, seconds=15)
    do(parts, learner, 150, "opened", "00-your-terminal/03-again-and-copy")
    cells = read(parts, wide).rows[0].cells
    assert (cells[ONE].time_s, cells[TWO].time_s) == (30, 115)


def test_a_step_that_asks_nothing_keeps_its_time_when_the_clock_is_set_back(
    parts: Wiring, wide: Workshop
) -> None:
    lesson = parts.library.lessons["00-your-terminal"]
    silent = replace(lesson.steps[0], check=None, questions=())
    parts.library.lessons["00-your-terminal"] = replace(lesson, steps=(silent, *lesson.steps[1:]))
    learner, _ = join(parts.database, wide.code, "ben", "attempt")
    do(parts, learner, 3600, "opened", ONE)
    do(parts, learner, 10, "rested", None, seconds=-3600)
    do(parts, learner, 40, "opened", TWO)
    assert read(parts, wide).rows[0].cells[ONE].time_s == 40


def test_who_is_brought_to_a_step_skips_those_before_and_leaves_theirs_then(
    parts: Wiring, wide: Workshop
) -> None:
    learner, _ = join(parts.database, wide.code, "ben", "attempt")
    do(parts, learner, 0, "opened", ONE)
    do(parts, learner, 40, "brought", "00-your-terminal/03-again-and-copy")
    cells = read(parts, wide).rows[0].cells
    assert (cells[ONE].state, cells[ONE].time_s) == ("skipped", 40)
    assert (cells[TWO].state, cells[TWO].time_s) == ("skipped", None)


def test_of_five_learners_half_and_nine_in_ten_are_told_and_of_four_their_mean(
    parts: Wiring, wide: Workshop
) -> None:
    for number, took_s in enumerate((10, 20, 30, 40)):
        take_part(parts, wide, f"learner {number}", took_s)
    step = parts.library.lessons["00-your-terminal"].steps[0]
    assert (read(parts, wide).times_of(step).usual_s, read(parts, wide).times_of(step).nine_s) == (
        25,
        None,
    )
    take_part(parts, wide, "the slow one", took_s=500)
    results = read(parts, wide)
    times = results.times_of(step)
    assert times.usual_s == 30
    assert times.nine_s == pytest.approx(316)
    assert [times.is_slow(row.cells[ONE]) for row in results.rows] == [False] * 4 + [True]


def test_the_step_that_took_most_is_the_one_that_is_told(parts: Wiring, wide: Workshop) -> None:
    learner = take_part(parts, wide, "ben", took_s=10)
    do(parts, learner, 400, "opened", "00-your-terminal/03-again-and-copy")
    results = read(parts, wide)
    slowest = results.slowest(results.lessons[0].steps)
    assert slowest is not None
    assert (slowest.step.id, slowest.usual_s) == (TWO, 385)


def test_an_instructor_who_tries_it_is_in_no_result(parts: Wiring, wide: Workshop) -> None:
    join(parts.database, wide.code, "ada", "staff", is_staff=True)
    assert read(parts, wide).rows == ()


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1+1",
        "\r=1",
        " =1+1",
        "\uff1d1+1",
        "harmless;=1+1",
        "harmless\n=1+1",
        'quote",=1+1',
        "a,;=cmd|' /C calc'!A0",
    ],
)
def test_no_spreadsheet_finds_a_formula_however_it_cuts_the_line(text: str) -> None:
    table = as_csv(("name", "more"), [("ben", text)])
    for separator in (",", ";", "\t", "|"):
        for row in csv.reader(
            io.StringIO(table.removeprefix("\ufeff"), newline=""), delimiter=separator
        ):
            for cell in row:
                for piece in re.split(r"[;,|\t\r\n\"]", cell):
                    assert not re.match(r"\s*[=+\-@\uff1d]", piece), (separator, row)


def test_the_table_has_a_line_for_each_step_and_a_hostile_name_stays_a_name(
    ada: Browser, parts: Wiring, wide: Workshop
) -> None:
    take_part(parts, wide, "=HYPERLINK(1)", took_s=12)
    answer = ada.get(f"/workshops/{wide.public_id}/results.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    steps = [step for name in wide.lessons for step in parts.library.lessons[name].steps]
    assert len(rows) == len(steps)
    first = rows[0]
    assert (first["learner"], first["state"], first["seconds"]) == (
        "'=HYPERLINK(1)",
        "passed",
        "12.0",
    )


def test_the_json_has_names_exactly_and_each_answer_as_it_was_read(
    ada: Browser, parts: Wiring, wide: Workshop
) -> None:
    lesson = parts.library.lessons["02-what-is-a-container"]
    step, question = next((s, q) for s in lesson.steps for q in s.questions if q.choices)
    learner, _ = join(parts.database, wide.code, "=李雷", "attempt")
    do(parts, learner, 0, "opened", step.id)
    more = {"question": question.name, "value": 0, "title": ""}
    do(parts, learner, 3, "answered", step.id, passed=False, **more)
    found = ada.get(f"/workshops/{wide.public_id}/results.json").json
    assert found is not None
    assert found["learners"][0]["name"] == "=李雷"
    told = next(each for each in found["learners"][0]["steps"] if each["step"] == step.id)
    assert told["answers"] == [
        {
            "question": question.name,
            "answer": question.choices[0].html.striptags(),
            "right": False,
            "tries": 1,
        }
    ]


def test_files_say_how_much_longer_somebody_had_than_the_class(
    ada: Browser, parts: Wiring, wide: Workshop
) -> None:
    join(parts.database, wide.code, "ben", "b")
    learner, _ = join(parts.database, wide.code, "chi", "c")
    page = f"/workshops/{wide.public_id}"
    ada.post(f"{page}/learners/{learner.public_id}/minutes", {"minutes": "15"})
    found = ada.get(f"{page}/results.json").json
    assert found is not None
    assert [each["extra_minutes"] for each in found["learners"]] == [0, 15]
    table = ada.get(f"{page}/results.csv").text.removeprefix("\ufeff")
    rows = csv.DictReader(io.StringIO(table, newline=""))
    assert {(row["learner"], row["extra_minutes"]) for row in rows} == {("ben", "0"), ("chi", "15")}


def test_an_assistant_reads_results_and_is_offered_no_deletion(
    parts: Wiring, wide: Workshop, sign_in: Callable[[str, str], Browser], ada: Browser
) -> None:
    tess = sign_in("tess", Role.ASSISTANT)
    assist(parts.database, wide, "tess")
    page = f"/workshops/{wide.public_id}"
    assert f"{page}/results" in tess.get(page).text
    assert "the class goes on." in tess.get(f"{page}/results").text
    end(parts, wide)
    read = {who: each.get(f"{page}/results").text for who, each in (("tess", tess), ("ada", ada))}
    assert [who for who, text in read.items() if "Delete all" in text] == ["ada"]
    assert "the class goes on." not in read["ada"]


@pytest.mark.parametrize("shown", ["time", "tries", "hints", "nonsense"])
def test_the_page_says_what_the_class_lost_most_time_on(
    ada: Browser, parts: Wiring, wide: Workshop, shown: str
) -> None:
    take_part(parts, wide, "<b>ben</b>", took_s=75)
    page = ada.get(f"/workshops/{wide.public_id}/results?show={shown}").text
    assert "most on step 1: mean 1:15" in page
    assert "&lt;b&gt;ben&lt;/b&gt;" in page


def test_all_of_one_learner_is_deleted_while_the_class_goes_on(
    ada: Browser, ben: Browser, parts: Wiring, engine: MemoryEngine, wide: Workshop
) -> None:
    learner, token = join(parts.database, wide.code, "ben", "attempt")
    ben.client.set_cookie("slipway_learner", token)
    take_part(parts, wide, "chi", took_s=9)
    parts.labs.give(learner, wide)
    ada.get(f"/workshops/{wide.public_id}")  # the wall has folded him
    page = f"/workshops/{wide.public_id}/learners/{learner.public_id}/forget"
    assert "Delete all of" in ada.get(page).text
    ada.post(page)
    assert learner.lab_key not in engine.labs
    assert ben.get("/lab").location == "/"
    names = re.findall(r"data-name>([^<]*)<", ada.get(f"/workshops/{wide.public_id}").text)
    assert [each for each in names if each] == ["chi"]
    assert ada.get(page).status_code == 404


def test_nothing_is_deleted_where_the_lab_cannot_be_ended(
    ada: Browser, parts: Wiring, engine: MemoryEngine, wide: Workshop
) -> None:
    learner, _ = join(parts.database, wide.code, "ben", "attempt")
    parts.labs.give(learner, wide)
    engine.is_away = True
    page = f"/workshops/{wide.public_id}/learners/{learner.public_id}/forget"
    assert ada.post(page).status_code == 503
    assert len(read(parts, wide).rows) == 1


def test_all_of_a_workshop_is_deleted_once_it_is_over(
    ada: Browser, parts: Wiring, wide: Workshop
) -> None:
    take_part(parts, wide, "ben", took_s=9)
    page = f"/workshops/{wide.public_id}/forget"
    assert ada.get(page).location == f"/workshops/{wide.public_id}/end"
    assert ada.post(page).status_code == 409
    end(parts, wide)
    assert "Delete all of 1 learner" in ada.get(page).text
    ada.post(page)
    assert ada.get(f"/workshops/{wide.public_id}").status_code == 404
