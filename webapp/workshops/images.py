"""Which images the lessons need, which are here, and which are on their way.

`localhost/NAME` is built from the Containerfile in a lesson's own folder `images/NAME`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

import structlog

from webapp.workshops import recipes
from webapp.workshops.recipes import BUILT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from webapp.engines.seam import Engine
    from webapp.lesson_format.library import Library

log = structlog.get_logger()

ON_THE_WAY = {"waiting", "fetching"}


@dataclass(frozen=True)
class Row:
    """One image, as the instructor's page shows it.

    Attributes:
        name: as it is typed where it is needed, or the full one.
        state: `here`, `unused` (no lesson needs it), `missing`, `waiting`, `fetching` or `failed`.
        starts: what starts from it.
        lessons: titles of those that need it.
        key: the name of its fetch; empty for what labs start from.
        layers: how many; 0 where it isn't here, as with the sizes.
        labs: living ones that may be using it.
        notes: what surprises.
        command: what brings it, where the page can't.
        asked: what is typed to fetch it once more; empty where it came otherwise.
        fetch: how far it is on its way.
        problem: why the last fetch failed.
        builds: the lesson in whose folder its Containerfile lies; empty for what is fetched.
        is_optional: it may be built, and its lesson goes without.
    """

    name: str
    state: str
    starts: str
    lessons: tuple[str, ...] = ()
    key: str = ""
    layers: int = 0
    size_bytes: int = 0
    own_bytes: int = 0
    labs: int = 0
    notes: tuple[str, ...] = ()
    command: str = ""
    asked: str = ""
    fetch: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
    builds: str = ""
    is_optional: bool = False

    @property
    def is_built(self) -> bool:
        """Whether no registry has it."""
        return self.name.startswith(BUILT)


@dataclass(frozen=True)
class Overview:
    """All of the page.

    Attributes:
        rows: what is needed first, in the lessons' order.
        used_bytes: of the store, of `most_bytes`.
        saved_bytes: what layers that several images share would take besides.
        mirror: asked first; empty for none.
    """

    rows: list[Row] = field(default_factory=list)
    used_bytes: int = 0
    most_bytes: int = 0
    saved_bytes: int = 0
    mirror: str = ""

    @property
    def needed(self) -> list[Row]:
        """Those that lessons need."""
        return [row for row in self.rows if row.lessons and not row.is_optional]

    @property
    def fetchable(self) -> list[Row]:
        """What is missing and can be fetched or built."""
        return [
            row
            for row in self.needed
            if row.state in {"missing", "failed"} and row.key and (row.builds or not row.is_built)
        ]

    @property
    def prunable(self) -> list[Row]:
        """What no lesson needs and no living lab may be using."""
        return [row for row in self.rows if row.state == "unused" and row.key and not row.labs]


class Stock:
    """The images of this server.

    Args:
        engine: has them.
        library: says what is needed.
        lessons: the folder of it.
    """

    def __init__(self, engine: Engine, library: Library, lessons: Path) -> None:
        self._engine = engine
        self.lessons_path = lessons
        self._library = library
        self._listeners: list[Callable[[dict[str, Any]], None]] = []

    def listen(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """From now on each change of a fetch, for as long as the application lives."""
        self._listeners.append(listener)

    def heard(self, event: dict[str, Any]) -> None:
        """One of the runtime's events; those that concern no image pass."""
        if event["type"] == "image.changed":
            for listener in self._listeners:
                listener(event["image"])

    def overview(self) -> Overview:
        """What the page shows.

        Raises:
            Problem: `runtime-away`.
        """
        needs = self._needs()
        stock = self._engine.image_stock([*needs])
        roots = {row["name"]: row for row in stock["images"] if row["kind"] == "root"}
        kept = {name: row for row in stock["images"] for name in row.get("names", ())}
        fetches = {fetch["name"]: fetch for fetch in stock["fetches"]}
        wanted = self._roots()
        rows = [_root(name, roots.get(name), titles) for name, titles in wanted.items()]
        rows += [
            replace(
                _needed(typed, stock["needed"].get(typed, {}), needs[typed], kept, fetches),
                builds=self._built_in(typed),
                is_optional=not self._is_needed(typed),
            )
            for typed in needs
        ]
        rows += [_root(name, roots[name], ()) for name in roots if name not in wanted]
        taken = {each.get("here") for each in stock["needed"].values()}
        known = {row.key for row in rows}
        rows += [_stored(name, row, (), name) for name, row in kept.items() if name not in taken]
        rows += [
            _fetched(fetch)
            for name, fetch in fetches.items()
            if name not in known and fetch["state"] in {*ON_THE_WAY, "failed"}
        ]
        total = sum(row["size_bytes"] for row in stock["images"] if row["kind"] == "store")
        return Overview(
            rows,
            used_bytes=stock["store_bytes"],
            most_bytes=stock["store_most_bytes"],
            saved_bytes=max(0, total - stock["store_bytes"]),
            mirror=stock["mirror"],
        )

    def build(self, typed: str, context: IO[bytes]) -> None:
        """Begin to build an image of the lessons' own; the page is told how it goes.

        Args:
            typed: the image, as a lesson needs it.
            context: an empty file, for what the build may copy from.

        Raises:
            Problem: `image-definition` where no lesson has a Containerfile of that name, or its
                folder is too large; and what the runtime refuses.
        """
        name = recipes.name_of(typed)
        lesson = self._built_in(typed)
        if not lesson:
            sentence = f"No lesson has a folder images/{name[:60]} with a Containerfile."
            raise recipes.unfit(sentence)
        recipes.pack(self.lessons_path / lesson, name, context)
        self._engine.image_make(context.fileno(), name)

    def _built_in(self, typed: str) -> str:
        """The first lesson that says how it is built; empty for what is fetched."""
        if not typed.startswith(BUILT):
            return ""
        wanted = f"{BUILT}{recipes.name_of(typed)}"
        found = (name for name in self._library.lessons if wanted in self._brought_by(name))
        return next(found, "")

    def _brought_by(self, lesson: str) -> list[str]:
        return recipes.brought_by(self.lessons_path / lesson)

    def _is_needed(self, typed: str) -> bool:
        return any(typed in lesson.needs for lesson in self._library.lessons.values())

    def _roots(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for lesson in self._library.lessons.values():
            found[lesson.image] = (*found.get(lesson.image, ()), lesson.title)
        return found

    def _needs(self) -> dict[str, list[tuple[str, str]]]:
        """What containers in labs need, each with the folders and titles of its lessons."""
        found: dict[str, list[tuple[str, str]]] = {}
        for lesson in self._library.lessons.values():
            for name in dict.fromkeys((*lesson.needs, *self._brought_by(lesson.name))):
                found.setdefault(name, []).append((lesson.name, lesson.title))
        return found


def _root(name: str, here: dict[str, Any] | None, lessons: tuple[str, ...]) -> Row:
    if here is None:
        command = f"./slipway image build {name}"
        return Row(name, "missing", "labs", lessons, command=command)
    return Row(
        name,
        "here" if lessons else "unused",
        "labs, machines" if here["boots"] else "labs",
        lessons,
        layers=here["layers"],
        size_bytes=here["size_bytes"],
        own_bytes=here["own_bytes"],
        labs=here["labs"],
        command="" if lessons or here["labs"] else f"./slipway image rm {name}",
    )


def _needed(
    typed: str,
    meant: dict[str, str],
    lessons: list[tuple[str, str]],
    kept: dict[str, dict[str, Any]],
    fetches: dict[str, dict[str, Any]],
) -> Row:
    titles = tuple(title for _, title in lessons)
    key = meant.get("name", typed)
    fetch = fetches.get(key)
    if fetch is not None and fetch["state"] in ON_THE_WAY:
        return Row(typed, fetch["state"], "containers", titles, key, fetch=fetch)
    problem = fetch["problem"] if fetch is not None and fetch["state"] == "failed" else None
    if here := kept.get(meant.get("here", "")):
        return replace(_stored(typed, here, titles, key), problem=problem)
    state = "failed" if problem else "missing"
    if typed.startswith(BUILT):
        name = recipes.name_of(typed)
        command = f"./slipway image build lessons/{lessons[0][0]}/images/{name}"
        return Row(typed, state, "containers", titles, key, command=command, problem=problem)
    return Row(typed, state, "containers", titles, key, problem=problem)


def _stored(name: str, here: dict[str, Any], lessons: tuple[str, ...], key: str) -> Row:
    return Row(
        name,
        "here" if lessons else "unused",
        "containers",
        lessons,
        key,
        layers=here["layers"],
        size_bytes=here["size_bytes"],
        own_bytes=here["own_bytes"],
        labs=here["labs"],
        notes=tuple(here["notes"]),
    )


def _fetched(fetch: dict[str, Any]) -> Row:
    return Row(
        fetch["name"],
        fetch["state"],
        "containers",
        key=fetch["name"],
        asked=fetch["asked"],
        fetch=fetch,
        problem=fetch["problem"],
    )
