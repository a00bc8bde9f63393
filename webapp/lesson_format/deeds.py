"""A step's solution: the deeds that `lesson test` carries out in a real lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webapp.lesson_format.model import BEGINNINGS, Deed, DeedKind, Where, Work
from webapp.lesson_format.panel import read_where

if TYPE_CHECKING:
    from collections.abc import Collection

    from webapp.lesson_format.faults import Faults
    from webapp.lesson_format.front import Table

KEYS = {
    "enter": "\r",
    "tab": "\t",
    "escape": "\x1b",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "ctrl-c": "\x03",
    "ctrl-d": "\x04",
    "ctrl-z": "\x1a",
    **{letter: letter for letter in "abcdefghijklmnopqrstuvwxyz"},
}
"""Which bytes a named key sends; also what `keys:` may name."""

BOOTS = ("cold", "resumed", "end")
"""What `boot:` may say: how the machine starts, or that it is ended."""

ASKS = ("machine", "container", "until-no", "stop")
"""What `more:` may ask of the planner: one more of a kind, machines until it refuses, no more."""

_CHOICES: dict[DeedKind, tuple[str, ...]] = {
    DeedKind.BOOT: BOOTS,
    DeedKind.WORK: tuple(Work),
    DeedKind.MORE: ASKS,
}
_MEASURED = ("value", "process", "output_of")


def read_deeds(front: Table, faults: Faults, questions: set[str]) -> tuple[Deed, ...]:
    """The step's `solution`; a plain text in it is a command to run."""
    return _read_list("solution", tuple(DeedKind), front, faults, questions)


def read_begin(front: Table, faults: Faults) -> tuple[Deed, ...] | None:
    """The step's `begin`; None where it has none."""
    if not front.has("begin"):
        return None
    return _read_list("begin", [kind for kind in DeedKind if kind in BEGINNINGS], front, faults)


def _read_list(
    name: str,
    known: Collection[DeedKind],
    front: Table,
    faults: Faults,
    questions: Collection[str] = (),
) -> tuple[Deed, ...]:
    deeds = []
    need = "run: the command" if name == "solution" else ""
    for table in front.tables(name, need=need, short="run"):
        kinds = [kind for kind in known if table.has(kind)]
        if len(kinds) == 1:
            deeds.append(_read_deed(table, kinds[0], faults, questions))
            table.finish()
        else:
            listed = ", ".join(f"`{kind}:`" for kind in known)
            faults.add(table.line, f"This line of `{name}` is no deed.", f"Write one of {listed}.")
    return tuple(deeds)


def _read_deed(table: Table, kind: DeedKind, faults: Faults, questions: Collection[str]) -> Deed:
    text = table.text(kind, need="…")
    line = table.line_of(kind)
    if kind is DeedKind.KEYS:
        for key in set(text.split()) - set(KEYS):
            faults.add(line, f"There is no key `{key}`.", "Known: letters, ctrl-c, enter, up, …")
    if kind in _CHOICES and text not in _CHOICES[kind]:
        known = ", ".join(_CHOICES[kind])
        faults.add(line, f"`{kind}: {text}` is no deed.", f"Known: {known}.")
    has_place = kind in {DeedKind.RUN, DeedKind.ANSWER}
    where = read_where(table, faults) if has_place else Where.CONTAINER
    if kind is DeedKind.RUN:
        return Deed(kind, text, where=where)
    if kind is not DeedKind.ANSWER:
        return Deed(kind, text)
    if text not in questions:
        faults.add(line, f"The step asks nothing called `{text}`.", "Write a question's name.")
    how = {key: table.text(key) for key in _MEASURED}
    if sum(map(bool, how.values())) != 1:
        instead = "Write `value:`, `process:` or `output_of:` below it."
        faults.add(line, f"It isn't said how `{text}` is answered.", instead)
    return Deed(kind, text, how["value"], how["process"], how["output_of"], where)


__all__ = ["ASKS", "BOOTS", "KEYS", "read_begin", "read_deeds"]
