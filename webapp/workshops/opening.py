"""Opening a workshop; and the demo that stands in while there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from webapp.lesson_format.model import Layout, Profile
from webapp.models.base import now
from webapp.models.workshops import Workshop, running_workshops, workshop_by_code
from webapp.problems import Problem
from webapp.workshops.codes import new_code

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy.orm import Session

    from webapp.lesson_format.library import Library
    from webapp.lesson_format.model import Lesson
    from webapp.models.base import PersonId
    from webapp.models.database import Database

log = structlog.get_logger()

MB = 1024 * 1024
LEARNERS_MOST = 1000
MINUTES_LEAST = 5
MINUTES_MOST = 7 * 24 * 60
DEMO_LEARNERS = 3
DEMO_MINUTES = MINUTES_MOST


@dataclass(frozen=True)
class Plan:
    """What an instructor chose; the defaults suit a first class.

    Attributes:
        lessons: names, in the order of teaching.
        allowed: the only names that labs reach where `internet` is on; all, where there is none.
        recording: of terminals: `off`, `on`, or `kept` after the end.
        own_figures: whether `free` and its like show the container's figures.
        in_machine: whether each learner works in a machine of their own.
    """

    lessons: tuple[str, ...]
    max_learners: int = 40
    minutes: int = 90
    internet: bool = False
    allowed: tuple[str, ...] = ()
    memory_bytes: int = 256 * MB
    pids: int = 128
    cpu_cores: float = 1.0
    recording: str = "off"
    own_figures: bool = False
    in_machine: bool = False


def open_workshop(
    database: Database,
    library: Library,
    plan: Plan,
    opened_by: PersonId | None = None,
    *,
    images: Collection[str] | None = None,
) -> Workshop:
    """Opens a workshop under a new code. Demos go on until `ending.end_demos`.

    Args:
        database: where it is kept.
        library: the lessons of this server.
        plan: what was chosen.
        opened_by: who chose.
        images: what this server can make labs from; None where that isn't known.

    Raises:
        Problem: `lessons-none`, `lesson-unknown`, `bad-number`, `image-missing`.
    """
    _require_sound(library, plan)
    if images is not None and (image := _richest(library, plan).image) not in images:
        raise Problem(
            "image-missing",
            f"This server has no image {image}, which these lessons need.",
            f"Whoever runs the server can build it: `./slipway image build {image}`.",
            field="lessons",
        )
    with database.write() as session:
        title = _title(library, plan.lessons)
        workshop = _add(session, library, plan, title=title, opened_by=opened_by)
    log.info(
        "workshop.opened", workshop=workshop.id, lessons=len(plan.lessons), most=plan.max_learners
    )
    return workshop


def ensure_demo(database: Database, library: Library) -> Workshop | None:
    """The demo workshop, opened when nothing else is, so that a new server can be tried at once.

    Returns:
        None when a real workshop is open, or when there is no lesson to show.
    """
    with database.write() as session:
        running = running_workshops(session)
        if not all(each.is_demo for each in running):
            return None
        going_on = [each for each in running if each.ends_at > now()]
        if going_on:
            return going_on[0]
        if not library.lessons:
            return None
        plan = Plan(usual_lessons(library), max_learners=DEMO_LEARNERS, minutes=DEMO_MINUTES)
        demo = _add(session, library, plan, title="Demo workshop", opened_by=None)
        demo.is_demo = True
        return demo


def usual_lessons(library: Library) -> tuple[str, ...]:
    """What a workshop has for which nobody chose: all lessons that every server has labs for.

    An engine needs an image that is built when somebody wants it, and labs with lower walls.
    """
    plain = (name for name, each in library.lessons.items() if each.profile is Profile.PLAIN)
    return tuple(plain) or tuple(library.lessons)


def left_out(library: Library) -> tuple[str, ...]:
    """What a workshop has not for which nobody chose."""
    usual = usual_lessons(library)
    return tuple(name for name in library.lessons if name not in usual)


def shapes_of(workshops: Sequence[Workshop]) -> list[dict[str, object]]:
    """The labs that should stand ready for these workshops, one for each kind.

    As `pool.want` wants it.
    """
    shapes: list[dict[str, object]] = []
    for workshop in workshops:
        shape = {**workshop.shape, "count": 1}
        if shape not in shapes:
            shapes.append(shape)
    return shapes


def _add(
    session: Session, library: Library, plan: Plan, *, title: str, opened_by: PersonId | None
) -> Workshop:
    began_at = now()
    lab_of = _richest(library, plan)
    workshop = Workshop(
        code=_free_code(session),
        title=title,
        lessons=list(plan.lessons),
        max_learners=plan.max_learners,
        starts_at=began_at,
        ends_at=began_at + timedelta(minutes=plan.minutes),
        internet=plan.internet,
        allowed=list(plan.allowed),
        image=lab_of.image,
        profile=lab_of.profile,
        memory_bytes=plan.memory_bytes,
        pids=plan.pids,
        cpu_cores=plan.cpu_cores,
        recording=plan.recording,
        own_figures=plan.own_figures,
        in_machine=plan.in_machine,
        opened_by=opened_by,
    )
    session.add(workshop)
    session.flush()
    return workshop


def _title(library: Library, names: Sequence[str]) -> str:
    """What a workshop is called: as its first lesson, and how many more there are."""
    first, more = library.lessons[names[0]].title, len(names) - 1
    if more == 0:
        return first
    return f"{first} and {more} more lesson{'' if more == 1 else 's'}"


def _richest(library: Library, plan: Plan) -> Lesson:
    """The lesson that says what a learner's one lab is: the first that needs an engine, if any.

    What the engine's image is made from is the usual one, so the other lessons find theirs in it.
    """
    lessons = [library.lessons[name] for name in plan.lessons]
    return next((each for each in lessons if each.profile is Profile.ENGINE), lessons[0])


def _free_code(session: Session) -> str:
    """A code that no workshop has had yet: an old link must never lead to another class."""
    while workshop_by_code(session, code := new_code()) is not None:
        pass
    return code


def _require_sound(library: Library, plan: Plan) -> None:
    if not plan.lessons:
        raise Problem(
            "lessons-none", "No lesson is chosen.", "Choose at least one.", field="lessons"
        )
    for name in plan.lessons:
        if name not in library.lessons:
            known = ", ".join(library.lessons) or "none"
            raise Problem(
                "lesson-unknown",
                f"There is no lesson called {name[:80]}.",
                f"Lessons on this server: {known}.",
                field="lessons",
            )
    if plan.in_machine:
        _require_fit_for_machines(library, plan)
    require_between("learners", "Learners at most", plan.max_learners, 1, LEARNERS_MOST)
    require_between("minutes", "How long, in minutes,", plan.minutes, MINUTES_LEAST, MINUTES_MOST)


def _require_fit_for_machines(library: Library, plan: Plan) -> None:
    """A machine of one's own has no container beside it, and no network."""
    if plan.internet:
        raise Problem(
            "machine-unfit-for-class",
            "A machine of one's own has no network, so no internet.",
            "Choose the internet off, or containers.",
            field="in_machine",
        )
    lessons = [library.lessons[name] for name in plan.lessons]
    both = [each for each in lessons if each.layout is Layout.MACHINE]
    if unfit := [*both, *(each for each in lessons if each.profile is Profile.ENGINE)]:
        raise Problem(
            "machine-unfit-for-class",
            f"The lesson “{unfit[0].title}” needs a container.",
            "Choose containers, or lessons that are played in one terminal.",
            field="in_machine",
        )


def require_between(field: str, label: str, value: int, least: int, most: int) -> None:
    """Refuses a number that is too small or too large, by the name that its field has.

    Raises:
        Problem: `bad-number`.
    """
    if not least <= value <= most:
        raise Problem(
            "bad-number", f"{label} is {value}.", f"It can be {least} to {most}.", field=field
        )
