"""Who needs the instructor, and why: the rule of the wall. Knows no database and no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from webapp.workshops.standing import FAILS_TOLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from webapp.workshops.progress import StepProgress
    from webapp.workshops.standing import Standing

LIMIT_LASTS = timedelta(minutes=5)
SLOW_LEAST = timedelta(minutes=8)
SLOW_TIMES = 2
"""Times as long on a step as half of the class took for it."""
UNTYPED = timedelta(minutes=5)
IDLE = timedelta(minutes=3)
AWAY = timedelta(minutes=2)
"""A page that loads anew, or a network that hiccups, is nobody who left."""
LIMITS = {
    "memory": "Reached the memory limit",
    "pids": "Reached the limit of processes",
    "disk": "Disk full",
    "inodes": "Reached the limit of files",
    "connections": "Reached the limit of connections",
    "sockets": "Reached the limit of sockets",
    "networks": "Reached the limit of networks",
    "locks": "Reached the limit of locks",
    "output": "Prints too much, and is slowed",
}
MINUTES = "{min}"
"""In a text: the minutes since the need began, which whoever shows it fills in."""


class State(StrEnum):
    """What a tile of the wall says of its learner, the first that needs somebody first."""

    HAND = "hand"
    LIMIT = "limit"
    STUCK = "stuck"
    AWAY = "away"
    WAITING = "waiting"
    WORKING = "working"
    IDLE = "idle"
    DONE = "done"


NEEDY = (State.HAND, State.LIMIT, State.STUCK, State.AWAY)


@dataclass(frozen=True, slots=True)
class Need:
    """How a learner is.

    Attributes:
        text: a few words; `MINUTES` in it stands for the time since it began.
        since: when it began.
        detail: what more there is to say in a few words; may be empty.
    """

    state: State
    text: str
    since: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What isn't in anybody's events.

    Attributes:
        joined_at: when they joined.
        is_here: a page of theirs is open.
        left_at: when the last one was closed; None where that isn't known.
        known_since: since when the server would have seen one open; a page that lost a server comes
            back by itself, and until then nobody is away.
        is_in_line: they wait for a lab.
        has_lab: one runs for them.
        typed_at: when a key was pressed in a terminal of theirs; None where it isn't known.
        busy_minutes: for how long the lab has been at full CPU without a key, once that is told.
        median_s: how long the class took for the step that they look at; None: nobody passed it.
        has_class_moved_on: most of the others are beyond that step.
    """

    joined_at: datetime
    is_here: bool = True
    left_at: datetime | None = None
    known_since: datetime | None = None
    is_in_line: bool = False
    has_lab: bool = True
    typed_at: datetime | None = None
    busy_minutes: int | None = None
    median_s: float | None = None
    has_class_moved_on: bool = False


def need_of(standing: Standing, seen: Seen, moment: datetime) -> Need:
    """The one thing that the tile of a learner says.

    Args:
        standing: what they did.
        seen: what else is known of them.
        moment: now.
    """
    if standing.hand is not None:
        note = f"“{standing.note}”" if standing.note else ""
        return Need(State.HAND, f"Hand up {MINUTES} min", standing.hand, note)
    needs = (*_limits(standing, seen, moment), *_whereabouts(standing, seen, moment))
    return needs[0]


def _limits(standing: Standing, seen: Seen, moment: datetime) -> Iterator[Need]:
    met = [(at, name) for at, name in standing.limits if name in LIMITS]
    recent = [each for each in met if moment - each[0] < LIMIT_LASTS]
    if recent:
        at, name = recent[-1]
        count = sum(each[1] == name for each in recent)
        detail = f"{count} times in {LIMIT_LASTS // timedelta(minutes=1)} min" if count > 1 else ""
        yield Need(State.LIMIT, LIMITS[name], at, detail)
    if seen.busy_minutes:
        began = moment - timedelta(minutes=seen.busy_minutes)
        since = began.replace(second=0, microsecond=0)
        yield Need(State.LIMIT, f"Full CPU, no key for {MINUTES} min", since)


def _whereabouts(standing: Standing, seen: Seen, moment: datetime) -> Iterator[Need]:
    active_at = max(filter(None, (seen.joined_at, standing.event_at, seen.typed_at)))
    if standing.is_finished:
        yield Need(State.DONE, "finished", standing.event_at or seen.joined_at)
    if seen.is_in_line:
        yield Need(State.WAITING, "in line", seen.joined_at)
    if not seen.is_here:
        left_at = seen.left_at or active_at
        if moment - max(left_at, seen.known_since or left_at) >= AWAY:
            detail = "browser closed; lab runs on" if seen.has_lab else "browser closed"
            yield Need(State.AWAY, f"Away {MINUTES} min", left_at, detail)
    elif standing.here is not None and not standing.here.is_passed:
        yield from _stuck(standing, standing.here, seen, active_at, moment)
    if moment - active_at >= IDLE:
        yield Need(State.IDLE, f"idle {MINUTES} min", active_at)
    yield Need(State.WORKING, f"{MINUTES} min", standing.since or seen.joined_at)


def _stuck(
    standing: Standing, here: StepProgress, seen: Seen, active_at: datetime, moment: datetime
) -> Iterator[Need]:
    since = standing.since or seen.joined_at
    fails = max(standing.fails.values(), default=0)
    if fails >= FAILS_TOLD:
        yield Need(State.STUCK, f"Same check failed {fails} times", standing.failed_at or since)
    if here.check is not None and here.check.broke:
        yield Need(State.STUCK, "Its check broke", here.check.at, "not the learner's mistake")
    hints = len(here.step.hints)
    if hints and here.hints_open >= hints:
        opened_at = standing.hinted_at or since
        yield Need(State.STUCK, "Opened every hint" if hints > 1 else "Opened the hint", opened_at)
    long_s = SLOW_TIMES * seen.median_s if seen.median_s is not None else float("inf")
    if moment - since > SLOW_LEAST and (moment - since).total_seconds() > long_s:
        yield Need(State.STUCK, f"{MINUTES} min on this step", since, "twice what the class took")
    if seen.has_class_moved_on and moment - active_at >= UNTYPED:
        detail = "most of the class has moved on"
        yield Need(State.STUCK, f"Nothing typed for {MINUTES} min", active_at, detail)
