"""Our own format: a folder with `lesson.md`, a markdown file a step, and checks in files of theirs.

docs/authoring.md is its reference. Everything wrong is collected, never only the first mistake.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from webapp.lesson_format.deeds import read_begin, read_deeds
from webapp.lesson_format.faults import Faults, LessonBroken
from webapp.lesson_format.front import Table, read_text, split_front
from webapp.lesson_format.markdown import render, render_line
from webapp.lesson_format.model import (
    WITH_CHOICES,
    Check,
    Choice,
    EngineView,
    Hint,
    Layout,
    Lesson,
    Prediction,
    Profile,
    Question,
    QuestionKind,
    Script,
    Source,
    Step,
    Where,
)
from webapp.lesson_format.panel import read_panel, read_where, refuse_machine_words

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "lesson.md"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NEED = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]{0,199}")
_NAME_WORDS = "small letters, digits and single dashes"
_STEP_ID = re.compile(rf"{_NAME.pattern}/{_NAME.pattern}")
_PREVIEWS_MOST = 3  # as many as the page shows beside each other
_PORT_LAST = 65535
_LINES_MOST = 10
_SCRIPT_BYTES_MOST = 64 * 1024
_TIMEOUT_S_MOST = 30
_USUAL_IMAGES = {Profile.PLAIN: "slipway/base", Profile.ENGINE: "slipway/engine"}

# How many of a question's choices may be right, and that in words.
_RIGHTS = {
    QuestionKind.CHOICE: (1, 1, "one"),
    QuestionKind.SEVERAL: (1, 100, "at least one"),
    QuestionKind.ORDER: (0, 0, "in the right order and none"),
    QuestionKind.GUESS: (0, 0, "none"),
}

_Choice = TypeVar("_Choice", bound=StrEnum)


def load(folder: Path) -> Lesson:
    """Read a lesson.

    Raises:
        LessonBroken: with every fault of every file of it.
    """
    faults = Faults(folder / INDEX)
    lesson = _read_lesson(folder, faults)
    if faults.found or lesson is None:
        raise LessonBroken(faults.found)
    return lesson


def _read_lesson(folder: Path, faults: Faults) -> Lesson | None:
    parts = split_front(read_text(folder / INDEX, faults), faults)
    if parts is None:
        return None
    front, body = parts
    if not _NAME.fullmatch(folder.name):
        faults.add(
            1,
            f"The folder's name `{folder.name}` can't be part of an address.",
            f"Use {_NAME_WORDS}.",
        )
    layout = _chosen(front, "layout", Layout.CONTAINER, faults)
    profile = _chosen(front, "profile", Profile.PLAIN, faults)
    lesson = Lesson(
        name=folder.name,
        title=front.text("title", need="What the lesson is called"),
        summary=front.text("summary", need="One sentence for whoever chooses lessons."),
        minutes=front.number("minutes", least=1, most=600),
        layout=layout,
        image=front.text("image").strip() or _USUAL_IMAGES[profile],
        profile=profile,
        html=render(body).html,
        steps=_read_steps(folder, front, (layout, profile), faults),
        needs=_read_needs(front, profile, faults),
    )
    front.finish()
    return lesson


def _read_needs(front: Table, profile: Profile, faults: Faults) -> tuple[str, ...]:
    lines = front.texts("needs")
    for line in lines:
        if not _NEED.fullmatch(line.text):
            faults.add(line.number, f"`{line.text}` is no image's name.", "Write `php:8.2-cli`.")
    if lines and profile is not Profile.ENGINE:
        sentence = "Only labs of the profile `engine` start containers from images."
        faults.add(lines[0].number, sentence, "Write `profile: engine`, or leave `needs` out.")
    return tuple(line.text for line in lines)


def _chosen(front: Table, key: str, usual: _Choice, faults: Faults) -> _Choice:
    """What stands at a key of which only some words are known."""
    kind = type(usual)
    word = front.text(key).strip() or usual
    return _known(kind, word, key, front.line_of(key), faults) or usual


def _known(kind: type[_Choice], word: str, what: str, line: int, faults: Faults) -> _Choice | None:
    if word in set(kind):
        return kind(word)
    faults.add(line, f"There is no {what} `{word}`.", f"Known: {', '.join(kind)}.")
    return None


def _read_steps(
    folder: Path, front: Table, page: tuple[Layout, Profile], faults: Faults
) -> tuple[Step, ...]:
    lines = front.texts("steps", need="01-first-step")
    names = [line.text for line in lines]
    steps = []
    for line in lines:
        path = folder / f"{line.text}.md"
        if not _NAME.fullmatch(line.text):
            faults.add(line.number, f"`{line.text}` is no step's name.", f"Use {_NAME_WORDS}.")
        elif names.count(line.text) > 1:
            faults.add(line.number, f"Step `{line.text}` stands here twice.", "Keep one of them.")
        elif not path.is_file():
            faults.add(line.number, f"There is no file {path.name} here.", "Write it, or its name.")
        else:
            inner = Faults(path)
            step = _StepReader(folder, path, page, inner).read()
            faults.found.extend(inner.found)
            steps += [step] if step else []
    for path in sorted(folder.glob("*.md")):
        if names and path.name != INDEX and path.stem not in names:
            sentence = f"{path.name} is in the folder and not among the steps."
            faults.add(front.line_of("steps"), sentence, f"Write `- {path.stem}`, or remove it.")
    return tuple(steps)


class _StepReader:
    """One step's file, read once."""

    def __init__(
        self, folder: Path, path: Path, page: tuple[Layout, Profile], faults: Faults
    ) -> None:
        self._folder = folder
        self._path = path
        self._layout, self._profile = page
        self._faults = faults
        self._looks_into_machine = False

    def read(self) -> Step | None:
        parts = split_front(read_text(self._path, self._faults), self._faults)
        if parts is None:
            return None
        front, body = parts
        text = render(body)
        questions = self._questions(front)
        step = Step(
            id=f"{self._folder.name}/{self._path.stem}",
            name=self._path.stem,
            title=front.text("title", need="What the step is called"),
            html=text.html,
            commands=text.commands,
            prediction=self._prediction(front),
            check=self._check(front),
            questions=questions,
            hints=self._hints(front),
            takeaway=render_line(front.text("takeaway", need="One sentence to keep.")),
            sources=self._sources(front),
            has_server_view=front.flag("server_view"),
            is_extra=front.flag("extra"),
            solution=read_deeds(front, self._faults, {each.name for each in questions}),
            needs_machine=front.flag("needs_machine") or self._looks_into_machine,
            panel=read_panel(front, self._faults),
            engine_view=self._engine_view(front),
            previews=self._previews(front),
            recall=self._recall(front),
            begin=read_begin(front, self._faults),
        )
        if self._layout is Layout.CONTAINER:
            refuse_machine_words(step, front, self._faults)
        if step.check is None and not questions and not front.has("check"):
            self._faults.add(
                front.line,
                "This step has no check.",
                "Write `check:` with `title` and `script`, or `questions:`.",
            )
        front.finish()
        return step

    def _engine_view(self, front: Table) -> EngineView | None:
        written = front.text("engine_view").strip()
        if not written:
            return None
        line = front.line_of("engine_view")
        if self._profile is not Profile.ENGINE:
            instead = "Write `profile: engine` in lesson.md, or leave it out."
            self._faults.add(line, "`engine_view` needs labs with an engine.", instead)
        return _known(EngineView, written, "engine view", line, self._faults)

    def _previews(self, front: Table) -> tuple[int, ...]:
        lines = front.texts("previews")
        ports = []
        for line in lines:
            if line.text.isascii() and line.text.isdecimal() and 0 < int(line.text) <= _PORT_LAST:
                ports.append(int(line.text))
            else:
                self._faults.add(line.number, f"`{line.text}` is no port.", "Write `- 8080`.")
        if len(ports) > _PREVIEWS_MOST or len(set(ports)) < len(ports):
            sentence = f"The page shows up to {_PREVIEWS_MOST} ports, each once."
            self._faults.add(front.line_of("previews"), sentence, "Name fewer.")
        if lines and self._layout is Layout.MACHINE:
            instead = "Leave `layout: machine` out of lesson.md, or `previews` here."
            sentence = "`previews` needs the page with one terminal."
            self._faults.add(front.line_of("previews"), sentence, instead)
        return tuple(ports)

    def _recall(self, front: Table) -> tuple[str, ...]:
        lines = front.texts("recall")
        for line in lines:
            if not _STEP_ID.fullmatch(line.text):
                sentence = f"`{line.text}` is no step of a lesson."
                self._faults.add(line.number, sentence, "Write `- 01-lesson/02-step`.")
        return tuple(line.text for line in lines)

    def _check(self, front: Table) -> Check | None:
        table = front.table("check")
        if table is None:
            return None
        title = table.text("title", need="What is true once it passed")
        script = self._script(table, need="checks/what-it-looks-at.py")
        table.finish()
        return Check(title, script) if script else None

    def _script(self, table: Table, *, need: str) -> Script | None:
        written = table.text("script", need=need)
        timeout_s = table.number("timeout_s", least=1, most=_TIMEOUT_S_MOST, default=5)
        line = table.line_of("script")
        where = read_where(table, self._faults)
        self._looks_into_machine |= where is Where.MACHINE
        path = (self._folder / written).resolve()
        if not written:
            return None
        if not path.is_relative_to(self._folder.resolve()):
            self._faults.add(line, f"{written} is outside the lesson's folder.", "Copy it in.")
            return None
        if not path.is_file():
            self._faults.add(line, f"There is no file {written} here.", "Write it, or its name.")
            return None
        inner = Faults(path)
        text = read_text(path, inner) or ""
        if len(text.encode()) > _SCRIPT_BYTES_MOST:
            inner.add(1, "This check is larger than 64 KiB.", "Move its data out, or make it less.")
        if not text.startswith("#!") and not inner.found:
            inner.add(
                1, "This check doesn't say what runs it.", "Write `#!/usr/bin/python3` first."
            )
        self._faults.found.extend(inner.found)
        return None if inner.found else Script(path, text, timeout_s, where)

    def _questions(self, front: Table) -> tuple[Question, ...]:
        questions: list[Question] = []
        for table in front.tables("questions", need="" if front.has("check") else "name: which"):
            question = self._question(table)
            if any(question.name == other.name for other in questions):
                sentence = f"Two questions are called `{question.name}`."
                self._faults.add(table.line_of("name"), sentence, "Give one another name.")
            questions.append(question)
        return tuple(questions)

    def _question(self, table: Table) -> Question:
        name = table.text("name", need="which-kernel").strip()
        if name and not _NAME.fullmatch(name):
            line = table.line_of("name")
            self._faults.add(line, f"`{name}` is no question's name.", f"Use {_NAME_WORDS}.")
        written = table.text("kind", need="choice").strip() or QuestionKind.CHOICE
        line = table.line_of("kind")
        kind = _known(QuestionKind, written, "question of kind", line, self._faults)
        kind = kind or QuestionKind.CHOICE
        ask = render_line(table.text("ask", need="What is asked?"))
        if kind in WITH_CHOICES:
            question = Question(name, kind, ask, choices=self._choices(table, kind))
        else:
            script = self._script(table, need="checks/answer.py")
            question = Question(name, kind, ask, script=script, lines=self._lines(table, kind))
        table.finish()
        return question

    def _lines(self, question: Table, kind: QuestionKind) -> int:
        """A number is one line, a text as many as its author wants."""
        if kind is not QuestionKind.TEXT:
            return 1
        return question.number("lines", least=1, most=_LINES_MOST, default=1)

    def _choices(self, question: Table, kind: QuestionKind) -> tuple[Choice, ...]:
        choices = []
        need_says = {
            QuestionKind.GUESS: "",
            QuestionKind.ORDER: "Why it comes after what is written before it.",
        }.get(kind, "Why it is right or wrong.")
        for table in question.tables("choices", need="text: an answer"):
            text = render_line(table.text("text", need="an answer"))
            is_right = table.flag("right")
            says = render_line(table.text("says", need=need_says))
            table.finish()
            choices.append(Choice(text, is_right, says))
        rights = sum(choice.is_right for choice in choices)
        least, most, how = _RIGHTS[kind]
        if len(choices) < 2 or not least <= rights <= most:
            sentence = f"This question has {len(choices)} choices, {rights} of them right."
            instead = f"Write two or more, {how} with `right: true`."
            self._faults.add(question.line, sentence, instead)
        return tuple(choices)

    def _prediction(self, front: Table) -> Prediction | None:
        table = front.table("prediction")
        if table is None:
            return None
        prediction = Prediction(
            ask=render_line(table.text("ask", need="What will it print?")),
            choices=tuple(render_line(line.text) for line in table.texts("choices", need="words")),
            reveal=render_line(table.text("reveal", need="What happens, and why.")),
        )
        table.finish()
        return prediction

    def _hints(self, front: Table) -> tuple[Hint, ...]:
        lines = front.texts("hints", need="Where to look; the last one holds the solution.")
        return tuple(Hint(render(line.text).html, is_solution=line is lines[-1]) for line in lines)

    def _sources(self, front: Table) -> tuple[Source, ...]:
        sources = []
        for table in front.tables("sources", short="title"):
            sources.append(Source(table.text("title", need="Name, section"), table.text("url")))
            url = sources[-1].url
            if url and not url.startswith(("https://", "http://")):
                self._faults.add(
                    table.line_of("url"), f"`{url}` is no address.", "Begin it with https://."
                )
            table.finish()
        return tuple(sources)
