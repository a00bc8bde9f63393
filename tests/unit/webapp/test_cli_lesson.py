from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from webapp.cli.lesson import lesson

if TYPE_CHECKING:
    from pathlib import Path


def test_lint_prints_each_mistake_on_a_line_and_exits_with_one(tmp_path: Path) -> None:
    folder = tmp_path / "a-lesson"
    folder.mkdir()
    (folder / "lesson.md").write_text("---\ntitle: A lesson\n---\n")
    result = CliRunner().invoke(lesson, ["lint", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{folder / 'lesson.md'}:2: `minutes` is missing. Write `minutes: 1`." in result.stdout


def test_lint_of_a_folder_without_lessons_is_a_wrong_call(tmp_path: Path) -> None:
    result = CliRunner().invoke(lesson, ["lint", str(tmp_path)])
    assert result.exit_code == 2
    assert "There is no lesson.md" in result.stderr


def test_lint_talks_on_stderr_when_nothing_is_wrong() -> None:
    result = CliRunner().invoke(lesson, ["lint", "lessons"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing to mend." in result.stderr
