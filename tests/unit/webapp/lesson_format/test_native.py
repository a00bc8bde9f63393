from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runtime.container import profile as profiles
from webapp.lesson_format import native
from webapp.lesson_format.faults import Fault, LessonBroken
from webapp.lesson_format.library import load_library
from webapp.lesson_format.model import (
    Card,
    CommandKind,
    DeedKind,
    Panel,
    Profile,
    QuestionKind,
    Row,
    Where,
    Work,
)

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.lesson_format.model import Lesson, Step

LESSON = """\
---
title: A lesson
summary: What it is about.
minutes: 5
steps:
  - 01-first
---
Its *introduction*.
"""
STEP = """\
---
title: First
takeaway: One sentence.
check:
  title: It is done
  script: checks/done.py
hints:
  - Look here.
  - The solution is `true`.
solution:
  - true
---
Run it.

```run
true
```
"""
CHECK = "#!/usr/bin/python3\nprint('Found: it')\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lesson of one step in which nothing is wrong."""
    made = tmp_path / "a-lesson"
    (made / "checks").mkdir(parents=True)
    (made / "lesson.md").write_text(LESSON)
    (made / "01-first.md").write_text(STEP)
    (made / "checks/done.py").write_text(CHECK)
    return made


def faults_of(folder: Path) -> list[Fault]:
    with pytest.raises(LessonBroken) as broken:
        native.load(folder)
    return broken.value.faults


def rewrite(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_a_folder_becomes_a_lesson(folder: Path) -> None:
    lesson = native.load(folder)
    (step,) = lesson.steps
    assert (lesson.name, lesson.title, lesson.minutes) == ("a-lesson", "A lesson", 5)
    assert lesson.html == "<p>Its <em>introduction</em>.</p>\n"
    assert step.id == "a-lesson/01-first"
    assert [(each.kind, each.text) for each in step.commands] == [(CommandKind.RUN, "true")]
    assert step.check
    assert step.check.script.text == CHECK
    assert [hint.is_solution for hint in step.hints] == [False, True]
    assert [(deed.kind, deed.text) for deed in step.solution] == [(DeedKind.RUN, "true")]
    assert lesson.after(step) is None


@pytest.mark.parametrize(
    ("file", "before", "after", "line", "sentence", "instead"),
    [
        ("lesson.md", "minutes: 5", "minuts: 5", 4, "`minuts` is no key", "Write `minutes`."),
        ("lesson.md", "minutes: 5", "minutes: five", 4, "no whole number", "`minutes: 1`"),
        ("lesson.md", "title: A lesson\n", "", 2, "`title` is missing", "Write `title: "),
        ("lesson.md", "title: A", "title: A: b", 2, "isn't YAML", "into quotes"),
        ("lesson.md", "---\n", "", 1, "no front matter", "`---`"),
        ("lesson.md", "title: A lesson", "layout: tv\ntitle: A", 2, "no layout `tv`", "container"),
        ("lesson.md", "01-first", "01-frist", 6, "no file 01-frist.md", "or its name"),
        ("lesson.md", "- 01-first", "- 01-first\n  - 01-first", 6, "stands here twice", "Keep one"),
        ("lesson.md", "- 01-first", "- ../a", 6, "no step's name", "small letters"),
        ("lesson.md", "title: A", "title: A\ntitle: B", 3, "stands here twice", "Keep one"),
        ("01-first.md", "done.py", "dnoe.py", 6, "no file checks/dnoe.py", "or its name"),
        ("01-first.md", "checks/done.py", "../../x.py", 6, "outside the lesson", "Copy it in"),
        ("01-first.md", "takeaway: One", "extra: yes\ntakeaway: One", 3, "neither", "extra: true"),
        ("01-first.md", "  - true", "  - runs: x", 11, "no deed", "`run:`"),
        ("01-first.md", "  - true", "  - keys: hyper", 11, "no key `hyper`", "ctrl-c"),
        ("01-first.md", "  - true", "  - answer: who\n    value: 1", 11, "asks nothing", "name"),
        ("checks/done.py", "#!/usr/bin/python3\n", "", 1, "what runs it", "#!/usr/bin/python3"),
    ],
)
def test_each_mistake_is_named_with_file_line_and_what_to_write(
    folder: Path, file: str, before: str, after: str, line: int, sentence: str, instead: str
) -> None:
    rewrite(folder / file, before, after)
    fault = next(each for each in faults_of(folder) if sentence in each.sentence)
    assert (fault.path, fault.line) == (folder / file, line)
    assert instead in fault.instead
    assert str(fault).startswith(f"{folder / file}:{line}: ")


MACHINE_FRONT = """\
rows: [memory, start]
cards: [works, planner]
works: [compress]
needs_machine: true
"""


@pytest.fixture
def with_machine(folder: Path) -> Path:
    """The same lesson on the page with two terminals."""
    rewrite(folder / "lesson.md", "minutes: 5", "minutes: 5\nlayout: machine")
    rewrite(folder / "01-first.md", "hints:", f"{MACHINE_FRONT}hints:")
    return folder


def test_a_step_names_the_rows_and_cards_that_it_shows(with_machine: Path) -> None:
    rewrite(with_machine / "01-first.md", "  title: It", "  where: machine\n  title: It")
    rewrite(with_machine / "01-first.md", "```run", "```run both")
    (step,) = native.load(with_machine).steps
    assert step.panel == Panel(
        (Row.MEMORY, Row.START), (Card.WORKS, Card.PLANNER), (Work.COMPRESS,)
    )
    assert step.needs_machine
    assert step.check
    assert step.check.script.where is Where.MACHINE
    assert step.commands[0].where is Where.BOTH


@pytest.mark.parametrize(
    ("before", "after", "line", "sentence", "instead"),
    [
        ("[memory, start]", "[memory, cost]", 7, "`cost` is none of the rows", "start, prepared"),
        ("[works, planner]", "[works, drawings]", 8, "none of the cards", "drawing"),
        ("[works, planner]", "[planner]", 9, "their card isn't shown", "`- works`"),
        ("[compress]", "[squeeze]", 9, "none of the works", "compress, fork"),
        ("  title: It", "  where: here\n  title: It", 5, "no side", "container, machine"),
        ("  - true", "  - run: true\n    where: tv", 16, "no side", "container, machine"),
        ("  - true", "  - work: sleep", 15, "`work: sleep` is no deed", "compress"),
        ("  - true", "  - more: lab", 15, "`more: lab` is no deed", "until-no"),
    ],
)
def test_each_mistake_about_the_panel_is_named_with_its_line(
    with_machine: Path, before: str, after: str, line: int, sentence: str, instead: str
) -> None:
    rewrite(with_machine / "01-first.md", before, after)
    fault = next(each for each in faults_of(with_machine) if sentence in each.sentence)
    assert (fault.line, instead in fault.instead) == (line, True)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("hints:", "rows: [memory]\nhints:", "`rows` needs the page with two terminals"),
        ("```run", "```run machine", "`true` runs in a machine"),
        ("  title: It", "  where: machine\n  title: It", "A check looks into a machine"),
    ],
)
def test_a_page_with_one_terminal_has_no_machine(
    folder: Path, before: str, after: str, sentence: str
) -> None:
    rewrite(folder / "01-first.md", before, after)
    (fault,) = faults_of(folder)
    assert sentence in fault.sentence
    assert "`layout: machine`" in fault.instead


def test_a_step_without_check_or_question_is_a_mistake(folder: Path) -> None:
    path = folder / "01-first.md"
    path.write_text(re.sub(r"check:\n.*\n.*\n", "", path.read_text()))
    assert any("has no check" in fault.sentence for fault in faults_of(folder))


def test_all_mistakes_of_all_files_are_named_at_once(folder: Path) -> None:
    rewrite(folder / "lesson.md", "minutes: 5", "minutes: 0")
    rewrite(folder / "01-first.md", "takeaway: One sentence.\n", "")
    assert {fault.path.name for fault in faults_of(folder)} == {"lesson.md", "01-first.md"}


def test_a_file_that_no_step_names_is_a_mistake(folder: Path) -> None:
    (folder / "02-forgotten.md").write_text(STEP)
    assert any("02-forgotten.md" in fault.sentence for fault in faults_of(folder))


def test_bytes_that_are_no_text_are_a_mistake_with_a_line(folder: Path) -> None:
    path = folder / "01-first.md"
    path.write_bytes(path.read_bytes().replace(b"Run it", b"Run \x89it"))
    assert [(fault.path, fault.line) for fault in faults_of(folder)][:1] == [(path, 13)]


def test_windows_line_ends_change_nothing(folder: Path) -> None:
    as_unix = native.load(folder)
    for path in folder.rglob("*.*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert native.load(folder) == as_unix


def test_questions_of_each_kind_are_read(folder: Path) -> None:
    rewrite(
        folder / "01-first.md",
        "hints:",
        "questions:\n"
        "  - name: which\n    kind: choice\n    ask: Which?\n    choices:\n"
        "      - text: This\n        right: true\n        says: Yes.\n"
        "      - text: That\n        says: No.\n"
        "  - {name: how-many, kind: number, ask: 'How many?', script: checks/done.py}\n"
        "hints:",
    )
    which, how_many = native.load(folder).steps[0].questions
    assert [choice.is_right for choice in which.choices] == [True, False]
    assert how_many.kind is QuestionKind.NUMBER
    assert how_many.script


def test_two_right_answers_are_a_mistake(folder: Path) -> None:
    rewrite(
        folder / "01-first.md",
        "hints:",
        "questions:\n  - name: which\n    kind: choice\n    ask: Which?\n    choices:\n"
        "      - {text: This, right: true, says: Yes}\n"
        "      - {text: That, right: true, says: Yes}\n"
        "hints:",
    )
    fault = faults_of(folder)[0]
    assert (fault.line, "2 of them right" in fault.sentence) == (8, True)


def test_a_broken_lesson_does_not_stop_the_others(folder: Path) -> None:
    broken = folder.parent / "broken"
    broken.mkdir()
    (broken / "lesson.md").write_bytes(b"\x00---")
    library = load_library(folder.parent)
    assert list(library.lessons) == ["a-lesson"]
    assert library.faults["broken"][0].path == broken / "lesson.md"


def test_a_profile_brings_its_image_and_one_that_is_unknown_is_named(folder: Path) -> None:
    index = folder / "lesson.md"
    assert native.load(folder).image == "slipway/base"
    index.write_text(LESSON.replace("minutes: 5", "minutes: 5\nprofile: engine"))
    lesson = native.load(folder)
    assert (lesson.profile, lesson.image) == ("engine", "slipway/engine")
    index.write_text(LESSON.replace("minutes: 5", "minutes: 5\nprofile: root"))
    with pytest.raises(LessonBroken, match="no profile `root`"):
        native.load(folder)


def test_a_step_names_services_to_show_and_findings_to_recall(folder: Path) -> None:
    step = folder / "01-first.md"
    keys = "previews: [8056, 8080]\nrecall: [01-a-lesson/02-a-step]\n"
    step.write_text(STEP.replace("takeaway", f"{keys}takeaway"))
    (read,) = native.load(folder).steps
    assert (read.previews, read.recall) == ((8056, 8080), ("01-a-lesson/02-a-step",))
    wrong = "previews: [0, 1, 1, 65536, 2, web]\nrecall: [02-a-step]\n"
    step.write_text(STEP.replace("takeaway", f"{wrong}takeaway"))
    assert [fault.sentence for fault in faults_of(folder)] == [
        "`0` is no port.",
        "`65536` is no port.",
        "`web` is no port.",
        "The page shows up to 3 ports, each once.",
        "`02-a-step` is no step of a lesson.",
    ]


def typed(lesson: Lesson, step: Step) -> tuple[str, ...]:
    """What a fresh lab's container gets."""
    return lesson.beginning(step).typed_into(Where.CONTAINER)


def test_a_fresh_lab_is_brought_to_a_step_by_what_it_says_or_by_the_steps_before(
    folder: Path,
) -> None:
    names = ("01-first", "02-second", "03-third", "04-fourth")
    for name, deeds in zip(names, ("one", "two", "keys: up", "four"), strict=True):
        (folder / f"{name}.md").write_text(STEP.replace("  - true\n", f"  - {deeds}\n"))
    index = folder / "lesson.md"
    index.write_text(LESSON.replace("01-first", "\n  - ".join(names)))
    rewrite(folder / "02-second.md", "takeaway", "extra: true\ntakeaway")
    lesson = native.load(folder)
    assert [typed(lesson, step) for step in lesson.steps] == [(), ("one",), ("one",), ("one",)]
    rewrite(folder / "03-third.md", "takeaway", "begin: [three]\ntakeaway")
    rewrite(folder / "04-fourth.md", "takeaway", "begin: []\ntakeaway")
    lesson = native.load(folder)
    begun = [typed(lesson, step) for step in lesson.steps]
    assert begun == [(), ("one",), ("three",), ()]
    deeds = "begin:\n  - boot: cold\n  - run: here\n  - run: there\n    where: machine\n"
    rewrite(folder / "04-fourth.md", "begin: []\n", deeds)
    lesson = native.load(folder)
    beginning = lesson.beginning(lesson.steps[-1])
    assert beginning.boot == "cold"
    assert beginning.typed_into(Where.MACHINE) == ("there",)
    rewrite(folder / "04-fourth.md", "boot: cold", "work: fork")
    assert "This line of `begin` is no deed." in {each.sentence for each in faults_of(folder)}


def test_only_a_text_has_several_lines(folder: Path) -> None:
    question = (
        "questions:\n  - {name: why, kind: text, ask: Why so, script: checks/done.py, lines: 4}\n"
    )
    step = folder / "01-first.md"
    step.write_text(STEP.replace("hints", f"{question}hints"))
    assert native.load(folder).steps[0].questions[0].lines == 4
    rewrite(step, "kind: text", "kind: number")
    assert "`lines` is no key" in faults_of(folder)[0].sentence


def test_the_profiles_of_lessons_are_those_of_the_runtime() -> None:
    assert sorted(Profile) == profiles.names()


def test_the_images_that_a_lesson_needs_are_names_and_for_labs_with_an_engine(
    folder: Path,
) -> None:
    index = folder / "lesson.md"
    needs = "needs:\n  - php:5.6-cli\n  - localhost/web\n"
    index.write_text(LESSON.replace("steps:", f"profile: engine\n{needs}steps:"))
    assert native.load(folder).needs == ("php:5.6-cli", "localhost/web")
    index.write_text(LESSON.replace("steps:", f"{needs}  - no name\nsteps:"))
    with pytest.raises(LessonBroken) as broken:
        native.load(folder)
    said = [fault.sentence for fault in broken.value.faults]
    assert said == [
        "`no name` is no image's name.",
        "Only labs of the profile `engine` start containers from images.",
    ]
