"""A file's front matter, read so that every mistake is named with its line.

PyYAML's own loader forgets where a value stood, takes the last of two equal keys and turns `no`
into False; so its node tree is read instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

import yaml
from yaml.reader import ReaderError

if TYPE_CHECKING:
    from pathlib import Path

    from webapp.lesson_format.faults import Faults

FENCE = "---"
# In C, where PyYAML has it: a server reads all its lessons before its first page, and most of that
# time was YAML.
_QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text and the line it stands on."""

    text: str
    number: int


def read_text(path: Path, faults: Faults) -> str | None:
    """The file's text with unix line ends, or nothing and a fault."""
    if path.exists() and not path.is_file():  # a pipe would never end
        faults.add(1, "This is no ordinary file.", "Put a text file in its place.")
        return None
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        faults.add(line, "This file is not UTF-8 text.", "Save it as UTF-8.")
    except OSError as error:
        faults.add(1, f"This file can't be read ({error.strerror}).", "Look at its name and mode.")
    return None


def split_front(text: str | None, faults: Faults) -> tuple[Table, str] | None:
    """Part a file into its front matter and the body after it; nothing where it wasn't read."""
    if text is None:
        return None
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE:
        faults.add(1, "There is no front matter.", f"Begin the file with a line `{FENCE}`.")
        return None
    ends = [n for n, line in enumerate(lines) if n and line.rstrip() == FENCE]
    if not ends:
        faults.add(1, "The front matter has no end.", f"Write a line `{FENCE}` after it.")
        return None
    table = _compose("\n".join(lines[1 : ends[0]]), faults)
    return None if table is None else (table, "\n".join(lines[ends[0] + 1 :]))


def _compose(text: str, faults: Faults) -> Table | None:
    try:
        node = _nodes(text)
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 2
        faults.add(
            line,
            f"The front matter holds a control character ({error.character:#04x}).",
            "Remove it.",
        )
        return None
    except RecursionError:
        faults.add(2, "The front matter is a list within a list, too often.", "Write plain values.")
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 2 if mark else 1
        faults.add(
            line,
            f"The front matter isn't YAML: {error.problem}.",
            "Put a value that holds `: ` or begins with a sign into quotes.",
        )
        return None
    if not isinstance(node, yaml.MappingNode):
        faults.add(2, "The front matter is empty.", "Write `title: …` and what else it needs.")
        return None
    return Table(node, faults)


def _nodes(text: str) -> yaml.Node | None:
    """The tree of a text. What is wrong with one, PyYAML's own reader says best, so it is asked."""
    try:
        return yaml.compose(text, Loader=_QUICK)
    except (yaml.YAMLError, UnicodeError):
        return yaml.compose(text, Loader=yaml.SafeLoader)


class Table:
    """A mapping that knows its lines, its mistakes and which of its keys were asked for."""

    def __init__(self, node: yaml.MappingNode, faults: Faults) -> None:
        self._faults = faults
        self._asked: set[str] = set()
        self._values: dict[str, yaml.Node] = {}
        self.line = _line(node)
        for key, value in node.value:
            if key.value in self._values:
                faults.add(_line(key), f"`{key.value}` stands here twice.", "Keep one of the two.")
            self._values[key.value] = value

    def has(self, key: str) -> bool:
        """Whether the key was written."""
        self._asked.add(key)
        return key in self._values

    def line_of(self, key: str) -> int:
        """The line of the key's value; of the table where there is none."""
        return _line(self._values[key]) if key in self._values else self.line

    def text(self, key: str, *, need: str = "") -> str:
        """A text as it was written, or an empty one.

        Args:
            key: whose value.
            need: an example to write; given for keys that must be there.
        """
        node = self._take(key, need)
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self._faults.add(_line(node), f"`{key}` is no text.", f"Write `{key}: some words`.")
            return ""
        if need and not node.value.strip():
            self._faults.add(_line(node), f"`{key}` is empty.", f"Write `{key}: {need}`.")
        return str(node.value)

    def number(self, key: str, *, least: int, most: int, default: int | None = None) -> int:
        """A whole number within bounds."""
        written = self.text(key, need="" if default is not None else str(least)).strip()
        if not written and default is not None:
            return default
        if written.isascii() and written.isdecimal() and least <= int(written) <= most:
            return int(written)
        if written:
            self._faults.add(
                self.line_of(key),
                f"`{key}: {written}` is no whole number from {least} to {most}.",
                f"Write `{key}: {least}`, or more.",
            )
        return least

    def flag(self, key: str) -> bool:
        """Whether the key says `true`; false where it isn't written."""
        written = self.text(key).strip()
        if written and written not in _TRUTH:
            self._faults.add(
                self.line_of(key),
                f"`{key}: {written}` says neither true nor false.",
                f"Write `{key}: true`, or leave the line out.",
            )
        return _TRUTH.get(written, False)

    def texts(self, key: str, *, need: str = "") -> list[Line]:
        """A list of texts, each with its line."""
        lines = []
        for node in self._items(key, need):
            if isinstance(node, yaml.ScalarNode):
                lines.append(Line(str(node.value), _line(node)))
            else:
                self._faults.add(_line(node), f"A line of `{key}` is no text.", "Write `- words`.")
        return lines

    def tables(self, key: str, *, need: str = "", short: str = "") -> list[Table]:
        """A list of tables.

        Args:
            key: whose value.
            need: an example to write; given for keys that must be there.
            short: a plain text in the list stands for a table with this one key.
        """
        tables = []
        for node in self._items(key, need):
            if isinstance(node, yaml.MappingNode):
                tables.append(Table(node, self._faults))
            elif short and isinstance(node, yaml.ScalarNode):
                name = yaml.ScalarNode("tag:yaml.org,2002:str", short, node.start_mark)
                tables.append(
                    Table(yaml.MappingNode("", [(name, node)], node.start_mark), self._faults)
                )
            else:
                self._faults.add(
                    _line(node),
                    f"A line of `{key}` has no keys.",
                    f"Write `- {need or 'name: …'}`.",
                )
        return tables

    def table(self, key: str) -> Table | None:
        """A table within this one, or None where it isn't written."""
        node = self._take(key, "")
        if node is None:
            return None
        if isinstance(node, yaml.MappingNode):
            return Table(node, self._faults)
        self._faults.add(_line(node), f"`{key}` has no keys.", "Write its keys below it, indented.")
        return None

    def finish(self) -> None:
        """Name the keys that nobody asked for."""
        for key, node in self._values.items():
            if key in self._asked:
                continue
            close = get_close_matches(key, self._asked, n=1)
            instead = (
                f"Write `{close[0]}`."
                if close
                else f"The keys known here: {', '.join(sorted(self._asked))}."
            )
            self._faults.add(_line(node), f"`{key}` is no key that a lesson has here.", instead)

    def _take(self, key: str, need: str) -> yaml.Node | None:
        self._asked.add(key)
        node = self._values.get(key)
        if node is None and need:
            self._faults.add(self.line, f"`{key}` is missing.", f"Write `{key}: {need}`.")
        return node

    def _items(self, key: str, need: str) -> list[yaml.Node]:
        node = self._take(key, need)
        if node is None:
            return []
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._faults.add(
            _line(node),
            f"`{key}` is no list.",
            f"Write each on a line of its own: `- {need or '…'}`.",
        )
        return []


def _line(node: yaml.Node) -> int:
    """The line in the file: the fence is line 1, and marks count from 0."""
    return int(node.start_mark.line) + 2
