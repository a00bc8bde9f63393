"""The list of names that labs of a workshop reach: as an instructor types it, and as it is kept."""

from __future__ import annotations

import re

from webapp.problems import Problem

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(\*\.)?({_LABEL}\.)+(?=[a-z0-9-]*[a-z]){_LABEL}")
_LONGEST = 253
NAMES_MOST = 40
TEXT_MOST = 2048
_HINT = "Type names such as pypi.org, one a line; *.debian.org is every name below debian.org."


def read_names(typed: str) -> tuple[str, ...]:
    """The names in what was typed, however they are parted; each once, in their order.

    Raises:
        Problem: `internet-list`: one of them is no name, there are none, or too many.
    """
    words = dict.fromkeys(_name(word) for word in re.split(r"[\s,;]+", typed) if word)
    if not words:
        raise _wrong("The list of names that containers reach is empty.")
    if len(words) > NAMES_MOST or sum(map(len, words)) > TEXT_MOST:
        raise _wrong(
            f"The list of names is too long: {NAMES_MOST} names fit, {TEXT_MOST} characters in all."
        )
    return tuple(words)


def _name(word: str) -> str:
    """One name as the runtime wants it; letters beyond ASCII as name servers have them."""
    name = word.lower().removesuffix(".")
    star = "*." if name.startswith("*.") else ""
    try:
        name = star + name.removeprefix(star).encode("idna").decode()
    except UnicodeError:
        name = ""
    if len(name) > _LONGEST or not _NAME.fullmatch(name):
        raise _wrong(f"“{word[:60]}” is no name that containers could look up.")
    return name


def _wrong(sentence: str) -> Problem:
    return Problem("internet-list", sentence, _HINT, field="allowed")
