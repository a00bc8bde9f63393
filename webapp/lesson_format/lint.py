"""What can go wrong between an author's editor and a learner's shell, found before a class does.

Structure is `native`'s; here the characters are looked at: commands that were copied with their
prompt, quotes that an editor made curly, spaces that only look like spaces, a block of code that
nobody ended.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

from webapp.lesson_format import native
from webapp.lesson_format.faults import Fault, Faults, LessonBroken
from webapp.lesson_format.front import FENCE, read_text, split_front
from webapp.lesson_format.model import CommandKind, Where

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_STRAIGHT = {
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{EN DASH}": "- or --",
    "\N{EM DASH}": "- or --",
}
_INVISIBLE = {
    "\N{NO-BREAK SPACE}": "a space",
    "\N{NARROW NO-BREAK SPACE}": "a space",
    "\N{FIGURE SPACE}": "a space",
    "\N{ZERO WIDTH SPACE}": "nothing",
    "\N{ZERO WIDTH NON-JOINER}": "nothing",
    "\N{ZERO WIDTH JOINER}": "nothing",
    "\N{WORD JOINER}": "nothing",
    "\N{ZERO WIDTH NO-BREAK SPACE}": "nothing",
    "\N{SOFT HYPHEN}": "nothing",
}
_FENCE_LINE = re.compile(r"\s*(?P<marks>`{3,}|~{3,})\s*(?P<word>[\w-]*) *(?P<second>[^`]*)$")
_INLINE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_DEED = re.compile(r"\s*-?\s*(run|start|output_of):\s(?P<code>.*)")
_PROMPT_ALWAYS = re.compile(r"\s*\$\s")
_PROMPT_FIRST = re.compile(r"\s*[#%>]\s")
_HEADING = re.compile(r"#\s")


def lint(folder: Path, images: Collection[str] = ()) -> list[Fault]:
    """Everything that is wrong with a lesson; an empty list when it is fit for a class.

    Args:
        folder: the lesson's.
        images: what labs can start from; where none is named, its image isn't looked at.
    """
    try:
        native.load(folder)
        faults: list[Fault] = []
    except LessonBroken as broken:
        faults = broken.faults
    if images:
        faults += _look_at_image(folder / native.INDEX, images)
    for path in sorted(folder.glob("*.md")):
        inner = Faults(path)
        _look((read_text(path, Faults(path)) or "").split("\n"), inner)
        faults += inner.found
    return sorted(faults, key=lambda fault: (fault.path, fault.line))


def _look_at_image(index: Path, images: Collection[str]) -> list[Fault]:
    """Whether labs can start from the image that a lesson names, if it names one."""
    faults, known_already = Faults(index), Faults(index)
    parts = split_front(read_text(index, known_already), known_already)
    front = parts[0] if parts else None
    name = front.text("image").strip() if front else ""
    if front and name and name not in images:
        close = get_close_matches(name, images, n=1)
        instead = f"Write `{close[0]}`" if close else f"Known here: {', '.join(sorted(images))}"
        faults.add(
            front.line_of("image"),
            f"Nothing here is or makes an image `{name}` for labs.",
            f"{instead}; `./slipway image root` makes one from any registry's image.",
        )
    return faults.found


def _look(lines: list[str], faults: Faults) -> None:
    fence_word: str | None = None
    fence_marks = ""
    fence_at = 0
    is_first = False
    body_at = _body_line(lines)
    for number, line in enumerate(lines, 1):
        fence = _FENCE_LINE.match(line)
        if fence_word is None and fence:
            fence_word, fence_marks, is_first = fence["word"], fence["marks"], True
            fence_at = number
            _look_at_side(fence, number, faults)
        elif fence and fence["marks"].startswith(fence_marks) and not fence["word"]:
            fence_word = None
        elif fence_word in {"run", "copy"}:
            _look_at_prompt(line, number, faults, is_first=is_first)
            _look_at_code(line, number, faults, _STRAIGHT | _INVISIBLE)
            is_first = False
        elif fence_word is not None:
            _look_at_code(line, number, faults, _INVISIBLE)
        else:
            for code in _codes(line):
                _look_at_code(code, number, faults, _STRAIGHT | _INVISIBLE)
            if number > body_at and _HEADING.match(line):
                faults.add(number, "A page has one first heading, its title.", "Write `## …`.")
    if fence_word is not None:
        sentence = "This block of code has no end: all that follows would be part of it."
        faults.add(fence_at, sentence, f"Write a line {fence_marks} after it.")


def _look_at_side(fence: re.Match[str], number: int, faults: Faults) -> None:
    second = fence["second"].strip()
    if fence["word"] in set(CommandKind) and second and second not in set(Where):
        sides = ", ".join(Where)
        faults.add(
            number, f"A command can't run in `{second}`.", f"Write one of: {sides}; or nothing."
        )


def _body_line(lines: list[str]) -> int:
    """The line that ends the front matter; 0 where there is none."""
    ends = [n for n, line in enumerate(lines, 1) if line.rstrip() == FENCE]
    return ends[1] if len(ends) > 1 else 0


def _codes(line: str) -> Iterator[str]:
    deed = _DEED.fullmatch(line)
    if deed:
        yield deed["code"]
    for match in _INLINE.finditer(line):
        yield match[2]


def _look_at_prompt(line: str, number: int, faults: Faults, *, is_first: bool) -> None:
    if _PROMPT_ALWAYS.match(line) or (is_first and _PROMPT_FIRST.match(line)):
        mark, _, command = line.strip().partition(" ")
        sentence = f"This command begins with a prompt sign, `{mark}`; it would be typed too."
        faults.add(number, sentence, f"Write `{command.strip()}`.")


def _look_at_code(code: str, number: int, faults: Faults, unwanted: dict[str, str]) -> None:
    for mark in sorted(set(code) & set(unwanted)):
        name = unicodedata.name(mark).lower()
        sentence = f"Code holds a {name} (U+{ord(mark):04X}), which a shell doesn't take for one."
        faults.add(number, sentence, f"Write {unwanted[mark]}.")
