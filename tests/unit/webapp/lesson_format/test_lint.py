# ruff: noqa: RUF001  ambiguous characters are what is tried here
from __future__ import annotations

import os
from pathlib import Path

import pytest

from webapp.lesson_format.lint import lint

ROOT = Path(__file__).parents[4]
HEAD = """\
---
title: A lesson
summary: What it is about.
minutes: 5
steps:
  - 01-first
---
"""
STEP_HEAD = """\
---
title: First
takeaway: One sentence.
check:
  title: It is done
  script: done.sh
hints:
  - The solution is `true`.
solution:
  - true
---
"""
BODY_LINE = STEP_HEAD.count("\n") + 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a-lesson"
    made.mkdir()
    (made / "lesson.md").write_text(HEAD)
    (made / "done.sh").write_text("#!/bin/sh\n")
    return made


@pytest.mark.parametrize(
    ("body", "line", "sentence", "instead"),
    [
        ("```run elsewhere\nid\n```", 0, "can't run in `elsewhere`", "machine, both"),
        ("```run\n$ whoami\n```", 1, "prompt sign, `$`", "Write `whoami`."),
        ("```copy\n# whoami\n```", 1, "prompt sign, `#`", "Write `whoami`."),
        ("```run\nid\n$ whoami\n```", 2, "prompt sign", "Write `whoami`."),
        ("  ```run\n  echo “a”\n  ```", 1, "left double quotation mark (U+201C)", 'Write ".'),
        ("```run\nls –l\n```", 1, "en dash (U+2013)", "- or --"),
        ("```run\nls\u00a0-l\n```", 1, "no-break space (U+00A0)", "a space"),
        ("```output\nls\u200b\n```", 1, "zero width space (U+200B)", "nothing"),
        ("Run `echo ’a’`.", 0, "right single quotation mark", "Write '."),
        ("# Title", 0, "one first heading", "Write `## …`."),
        ("```run\nid\n\nMore.\n", 0, "This block of code has no end", "Write a line ``` after it."),
    ],
)
def test_what_a_shell_would_choke_on_is_named(
    folder: Path, body: str, line: int, sentence: str, instead: str
) -> None:
    (folder / "01-first.md").write_text(STEP_HEAD + body + "\n")
    faults = lint(folder)
    assert [fault.line for fault in faults[:1]] == [BODY_LINE + line]
    assert sentence in faults[0].sentence
    assert instead in faults[0].instead


@pytest.mark.parametrize(
    "body",
    [
        "“Curly” quotes – and dashes – in prose are welcome.",
        "```output\n‘file’: no such file\n```",
        "```output\n$ whoami\nlearner\n```",
        "```run\necho '# not a prompt'\n# a comment\nprice=$1\n```",
        "````output\n```\n````",
        "```id``` prints who one is.",
    ],
)
def test_what_is_right_is_left_alone(folder: Path, body: str) -> None:
    (folder / "01-first.md").write_text(STEP_HEAD + body + "\n")
    assert lint(folder) == []


def test_a_curly_quote_in_a_solution_is_named(folder: Path) -> None:
    (folder / "01-first.md").write_text(STEP_HEAD.replace("- true", "- run: echo “a”"))
    assert {fault.line for fault in lint(folder)} == {10}


@pytest.mark.parametrize("index", sorted(ROOT.glob("lessons/*/lesson.md")), ids=str)
def test_our_own_lessons_have_nothing_to_mend(index: Path) -> None:
    assert lint(index.parent) == []


@pytest.mark.parametrize(
    ("index", "line", "sentence"),
    [
        (HEAD.replace("minutes: 5", "minutes: \a5"), 4, "a control character (0x07)"),
        (HEAD.replace("5", "[" * 5000 + "]" * 5000), 2, "a list within a list"),
        ("---\ntitle: \udcff\n", 2, "not UTF-8"),
    ],
    ids=["control", "deep", "bytes"],
)
def test_front_matter_that_cannot_be_read_is_one_fault(
    folder: Path, index: str, line: int, sentence: str
) -> None:
    (folder / "lesson.md").write_bytes(index.encode(errors="surrogateescape"))
    (fault,) = lint(folder)
    assert fault.line == line
    assert sentence in fault.sentence


def test_an_image_that_labs_can_not_start_from_is_named_with_those_they_can(folder: Path) -> None:
    (folder / "01-first.md").write_text(STEP_HEAD)
    (folder / "lesson.md").write_text(HEAD.replace("minutes", "image: slipway/bsae\nminutes"))
    (fault,) = lint(folder, ["slipway/base", "python"])
    assert fault.line == 4
    assert "`slipway/bsae`" in fault.sentence
    assert "Write `slipway/base`" in fault.instead
    (folder / "lesson.md").write_text(HEAD.replace("minutes", "image: zzz\nminutes"))
    (fault,) = lint(folder, ["slipway/base", "python"])
    assert "Known here: python, slipway/base;" in fault.instead
    assert lint(folder, ["zzz"]) == []


def test_a_pipe_in_the_place_of_a_step_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "01-first.md")
    (fault,) = lint(folder)
    assert "There is no file 01-first.md" in fault.sentence
