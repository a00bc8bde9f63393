"""Our own lessons, played in real labs: what each check says before, and after its solution."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from webapp.lesson_format import native
from webapp.workshops.rehearsing import rehearse

if TYPE_CHECKING:
    from tests.conftest import Server

LESSONS = Path(__file__).parents[2] / "lessons"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in LESSONS.glob("*/lesson.md")))
def test_each_check_fails_before_the_solution_and_passes_after(
    engine_runtime: Server, name: str
) -> None:
    lesson = native.load(LESSONS / name)
    steps = list(rehearse(engine_runtime.client, lesson))
    assert {step.step: step.faults for step in steps if step.faults} == {}
    assert [step.step for step in steps] == [step.id for step in lesson.steps]
    assert engine_runtime.client.lab_list() == []


def test_what_the_planner_was_asked_is_there_again_in_a_lab_that_begins_anew(
    engine_runtime: Server,
) -> None:
    lesson = native.load(LESSONS / "01-the-full-server")
    names = ("05-one-more-until-no", "06-a-container-instead", "08-give-it-back")
    asking = replace(lesson, steps=tuple(each for each in lesson.steps if each.name in names))
    steps = list(rehearse(engine_runtime.client, asking, fresh=True))
    assert [(step.step.partition("/")[2], step.faults) for step in steps] == [
        (name, []) for name in names
    ]


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("#!/usr/bin/python3\nimport nothing_of_that_name\n", "broke: Traceback"),
        ("#!/bin/sh\nkill -9 $$\n", "broke: exit code"),
        ("#!/bin/sh\nsleep 60\n", "did not end within 1 seconds"),
        ("#!/bin/sh\necho Found: it\n", "passes before anything was done"),
        ("#!/bin/sh\necho Found: none; exit 1\n", "doesn't pass after the solution: none"),
    ],
)
def test_a_rehearsal_names_what_is_wrong_with_a_check(
    runtime: Server, tmp_path: Path, script: str, fault: str
) -> None:
    folder = tmp_path / "00-your-terminal"
    shutil.copytree(LESSONS / folder.name, folder)
    (folder / "checks/a-command-ran.py").write_text(script)
    step = folder / "01-a-prompt.md"
    step.write_text(
        step.read_text().replace("a-command-ran.py", "a-command-ran.py\n  timeout_s: 1")
    )
    with closing(rehearse(runtime.client, native.load(folder))) as steps:
        first = next(steps)
    assert any(fault in each for each in first.faults), first.faults
