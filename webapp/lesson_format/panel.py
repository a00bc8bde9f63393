"""What a step says of the page with two terminals: its rows, its cards, and whose turn it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from webapp.lesson_format.model import Card, Panel, Row, Where, Work

if TYPE_CHECKING:
    from enum import StrEnum

    from webapp.lesson_format.faults import Faults
    from webapp.lesson_format.front import Table
    from webapp.lesson_format.model import Step

_Word = TypeVar("_Word", bound="StrEnum")


def read_panel(front: Table, faults: Faults) -> Panel:
    """The step's `rows`, `cards` and `works`; a name that isn't known is a fault with its line."""
    panel = Panel(
        rows=_words(front, "rows", Row, faults),
        cards=_words(front, "cards", Card, faults),
        works=_words(front, "works", Work, faults),
    )
    if panel.works and Card.WORKS not in panel.cards:
        faults.add(
            front.line_of("works"),
            "`works` are named, but their card isn't shown.",
            f"Write `- {Card.WORKS}` below `cards:`.",
        )
    return panel


def read_where(table: Table, faults: Faults) -> Where:
    """On which side a script looks or a command is typed: the container's, unless it says so."""
    written = table.text("where").strip() or Where.CONTAINER
    known = (Where.CONTAINER, Where.MACHINE)
    if written not in known:
        faults.add(
            table.line_of("where"),
            f"`where: {written}` is no side of the page.",
            f"Known: {', '.join(known)}.",
        )
        return Where.CONTAINER
    return Where(written)


def refuse_machine_words(step: Step, front: Table, faults: Faults) -> None:
    """A page with one terminal has nothing to show a machine or a panel with."""
    instead = "Write `layout: machine` in lesson.md, or leave it out."
    for key in ("rows", "cards", "works", "needs_machine"):
        if front.has(key):
            faults.add(front.line_of(key), f"`{key}` needs the page with two terminals.", instead)
    for command in step.commands:
        if command.where is not Where.CONTAINER:
            faults.add(
                front.line, f"`{command.text}` runs in a machine, which this page hasn't.", instead
            )
    if step.needs_machine and not front.has("needs_machine"):
        faults.add(front.line, "A check looks into a machine, which this page hasn't.", instead)


def _words(front: Table, key: str, kind: type[_Word], faults: Faults) -> tuple[_Word, ...]:
    found = []
    for line in front.texts(key):
        if line.text in set(kind):
            found.append(kind(line.text))
        else:
            known = ", ".join(kind)
            faults.add(line.number, f"`{line.text}` is none of the {key}.", f"Known: {known}.")
    return tuple(found)
