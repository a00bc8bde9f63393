"""The player's socket: checks, answers, presses come in; the lab's state and figures go out."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import structlog
from flask_socketio import join_room
from socketio.exceptions import ConnectionRefusedError as Refused

from webapp.access import as_learner
from webapp.lesson_format.model import Card, Layout
from webapp.models.events import events_of
from webapp.problems import Problem, lab_none, step_locked, terminal_unknown, workshop_paused
from webapp.sockets import wire
from webapp.sockets.cards import Cards
from webapp.sockets.compare import Compare
from webapp.sockets.help import Help
from webapp.visitors import current_visitor
from webapp.workshops.changing import clock_of
from webapp.workshops.checking import Checking, Seat
from webapp.workshops.container_view import cells
from webapp.workshops.labs import shells_of
from webapp.workshops.progress import brought_unseen
from webapp.workshops.server_view import server_view
from webapp.workshops.terminal_names import call_terminal, names_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask_socketio import SocketIO

    from webapp.lesson_format.model import Step
    from webapp.models.base import LearnerId
    from webapp.models.people import Learner
    from webapp.models.workshops import Workshop
    from webapp.wiring import Wiring
    from webapp.workshops.news import Item
    from webapp.workshops.progress import Progress
    from webapp.workshops.queue import Place

log = structlog.get_logger()

NAMESPACE = "/lesson"
SETTLED = {"ready", "ended"}
ASK_AGAIN_S = 2.0  # where the runtime, or what a lab is made from, isn't there
LOOK_AGAIN_S = 30.0  # in line, though nothing was heard of it: so that nobody is forgotten there
USAGE_EVERY_S = 3


def register(socketio: SocketIO, parts: Wiring) -> None:
    """Listen on `/lesson`, and pass the news on to the pages of whom it concerns."""
    room = LessonRoom(socketio, parts)
    wire.listen(
        socketio,
        NAMESPACE,
        {
            "open": room.open,
            "check": room.check,
            "answer": room.answer,
            "press": room.press,
            "skip": room.skip,
            "reset": room.reset,
            "processes": room.processes,
            "container": room.container,
            "engine": room.engine,
            "terminal": room.terminal,
            "follow": room.cards.follow,
            **room.compare.handlers,
            **room.help.handlers,
        },
    )
    socketio.on_event("connect", room.connect, NAMESPACE)
    socketio.on_event("disconnect", room.disconnect, NAMESPACE)
    parts.news.listen(room.hear)
    parts.news.listen(room.compare.keep)


class _Settling:
    """A learner who is on the way to their lab.

    Attributes:
        told: what all of their pages heard last.
        heard: that it may be something else now.
    """

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}
        self.heard = threading.Event()


class LessonRoom:
    """Who has the player open, and what they are told."""

    def __init__(self, socketio: SocketIO, parts: Wiring) -> None:
        self._socketio = socketio
        self._parts = parts
        self._checking = Checking(parts.database, parts.engine)
        self._learners: dict[str, LearnerId] = {}  # by connection: its cookie may have ended
        self._pages: Counter[LearnerId] = Counter()
        self._settling: dict[LearnerId, _Settling] = {}
        self._measures = False
        self.compare = Compare(socketio, parts, self._own_lab, self._tell)
        self.cards = Cards(socketio, parts, self._learners, self._own_lab, self._tell)
        self.help = Help(parts, self._tell)

    def connect(self, _auth: object = None) -> None:
        """A page of a learner's; nobody else has business here. One of a past class may listen."""
        learner = current_visitor().learner
        if learner is None:
            raise Refused("not-joined")
        join_room(_room(learner.id))
        self._learners[wire.sid()] = learner.id
        self._pages[learner.id] += 1
        self._parts.presence.arrive(learner.id)
        self._socketio.start_background_task(self._boot, learner.id)
        if settling := self._settling.get(learner.id):
            settling.told = {}  # a page more, which has heard nothing yet
        self._settle_soon(learner.id)
        if not self._measures:
            self._measures = True
            self._socketio.start_background_task(self._measure)

    def disconnect(self, _reason: object = None) -> None:
        """The page is gone; the lab and its terminals don't notice."""
        learner_id = self._learners.pop(wire.sid(), None)
        if learner_id is None:
            return
        self._pages[learner_id] -= 1
        if self._pages[learner_id] <= 0:
            del self._pages[learner_id]
            self._wake(learner_id)
            self.compare.forget(learner_id)
        self._parts.presence.leave(learner_id)

    def open(self, step: str) -> dict[str, Any]:
        """The learner looks at a step."""
        seat, learner, workshop = self._seat(step)
        with self._parts.database.read() as session:
            brought = brought_unseen(events_of(session, learner.id))
        progress = self._checking.open_step(seat)
        if seat.lesson.layout is Layout.MACHINE:
            self.compare.watch(seat.learner_id)
        self._tell_progress(seat)
        standing = self.help.standing(seat.learner_id)
        locked = self._parts.pacing.locked_for(learner, workshop)
        steps = {each.id for each in self._parts.pacing.steps_of(workshop)}
        others = steps - {step, *locked}
        return {
            "step": step,
            "progress": _progress(progress),
            "locked": locked,
            "brought": brought.step if brought and brought.step in others else None,
            **clock_of(learner, workshop),
            **standing,
        }

    def check(self, step: str) -> dict[str, Any]:
        """The learner asks whether the step is done."""
        seat, _, workshop = self._seat(step)
        _require_going_on(workshop)
        verdict = self._checking.check(seat)
        self._parts.metrics.judged(verdict)
        self._tell_progress(seat)
        return verdict.as_wire()

    def answer(self, step: str, question: str, value: int | str) -> dict[str, Any]:
        """The learner answers a question."""
        seat, *_ = self._seat(step)
        verdict = self._checking.answer(seat, question, value)
        self._parts.metrics.judged(verdict)
        self._tell_progress(seat)
        return verdict.as_wire()

    def press(self, step: str, name: str) -> None:
        """The learner ran, copied or opened something of the step."""
        seat, *_ = self._seat(step)
        if name not in presses_of(seat.step):
            raise Problem(
                "press-unknown", "This step has nothing of that name.", "Reload the page."
            )
        self._checking.press(seat, name)
        self._tell_progress(seat)

    def skip(self, step: str) -> dict[str, Any]:
        """The learner goes on without passing."""
        seat, *_ = self._seat(step)
        next_step = self._checking.skip(seat)
        self._tell_progress(seat)
        return {"next": next_step}

    def reset(self, step: str) -> None:
        """The learner wants a fresh lab, as it is where the step begins; its end is a fact."""
        seat, learner, workshop = self._seat(step)
        _require_going_on(workshop)
        if seat.lab_id is None:
            raise lab_none()
        self._socketio.start_background_task(
            self._parts.resetting.reset, learner, workshop, seat.lesson, seat.step
        )

    def processes(self) -> dict[str, Any]:
        """What the server sees of the learner's own lab."""
        return server_view(self._parts.engine, self._own_lab()[1])

    def container(self) -> dict[str, Any]:
        """What the learner's own container is made of, now."""
        return {"cells": cells(self._parts.engine.lab_walls(self._own_lab()[1]))}

    def engine(self, what: str) -> dict[str, Any]:
        """What the learner's own engine says of its containers or images."""
        return {"found": self._parts.engine.lab_engine(self._own_lab()[1], what)}

    def terminal(self, do: str, name: str | None, called: str | None) -> dict[str, Any]:
        """One shell more, one less, or another name for one, in the learner's own lab."""
        learner_id, lab_id = self._own_lab()
        terminal = f"{lab_id}.{name}"
        if do == "open":
            terminal = self._parts.engine.terminal_open(lab_id, name)["terminal"]
        elif do == "close":
            self._parts.engine.terminal_close(terminal)
        elif name not in shells_of(self._parts.labs.of(learner_id) or {}):
            raise terminal_unknown(name or "")
        if do != "open" or name is None:  # one that begins again under its number keeps its name
            call_terminal(self._parts.database, learner_id, terminal, called or "")
        self._parts.labs.look(learner_id)
        return {"terminal": terminal}

    def hear(self, item: Item) -> None:
        """Pass one piece of news on to the learner's pages."""
        if item.learner_id not in self._pages:
            return
        match item.kind:
            case "lab" if item.facts.get("state") == "ended":
                self._tell(item.learner_id, "lab", state="ended", sentence=item.facts["sentence"])
                self._wake(item.learner_id)
            case "lab":
                self._settle_soon(item.learner_id)
            case "clock" | "ended":
                self._tell(item.learner_id, item.kind, **item.facts)
                self._wake(item.learner_id)
            case "limit" | "reset" | "pace" | "brought":
                self._tell(item.learner_id, item.kind, **item.facts)
            case _:
                self.compare.hear(item)
                self.help.hear(item)

    def _seat(self, step_id: str) -> tuple[Seat, Learner, Workshop]:
        learner, workshop = as_learner(current_visitor())
        lesson_name, _, step_name = step_id.partition("/")
        lesson = self._parts.library.lessons.get(lesson_name)
        step = lesson.step(step_name) if lesson and lesson_name in workshop.lessons else None
        if lesson is None or step is None:
            raise Problem(
                "step-unknown", "This workshop has no such step.", "Open the lesson from its start."
            )
        if step.id in self._parts.pacing.locked_for(learner, workshop):
            raise step_locked()
        lab = self._parts.labs.of(learner.id)
        seat = Seat(learner.id, lesson, step, None if lab is None else lab["lab"])
        return seat, learner, workshop

    def _own_lab(self) -> tuple[LearnerId, str]:
        learner, _ = as_learner(current_visitor())
        lab = self._parts.labs.of(learner.id)
        if lab is None:
            raise lab_none()
        return learner.id, str(lab["lab"])

    def _tell(self, learner_id: LearnerId, name: str, /, **fields: object) -> None:
        told = wire.fact(NAMESPACE, name, **fields)
        self._socketio.emit(name, told, namespace=NAMESPACE, to=_room(learner_id))

    def _tell_progress(self, seat: Seat) -> None:
        self._parts.news.tell("progress", seat.learner_id)

    def _boot(self, learner_id: LearnerId) -> None:
        """Who works in a machine that is off, and comes to the page, finds it booting."""
        try:
            self._parts.labs.boot(learner_id)
        except Problem as problem:
            log.info("lesson.machine_not_booted", code=problem.code)

    def _settle_soon(self, learner_id: LearnerId) -> None:
        """Ask for the lab, in a task of its own: making one takes longer than an event may."""
        if learner_id in self._settling:
            self._wake(learner_id)
            return
        self._settling[learner_id] = _Settling()
        self._socketio.start_background_task(self._settle, learner_id)

    def _wake(self, learner_id: LearnerId) -> None:
        if settling := self._settling.get(learner_id):
            settling.heard.set()

    def _settle(self, learner_id: LearnerId) -> None:
        settling = self._settling[learner_id]
        try:
            while learner_id in self._pages:
                settling.heard.clear()
                place = self._parts.line.place_of(learner_id)
                if place.state == "away":
                    settling.heard.clear()  # of news that the try itself made; the next is later
                if place.state != "away" or not self._parts.labs.are_awaited:
                    self._tell_place(learner_id, place, settling)
                if place.state in SETTLED and not settling.heard.is_set():
                    return
                settling.heard.wait(ASK_AGAIN_S if place.state == "away" else LOOK_AGAIN_S)
        except Exception:
            log.exception("lesson.settling_broke", learner=learner_id)
        finally:
            del self._settling[learner_id]

    def _tell_place(self, learner_id: LearnerId, place: Place, settling: _Settling) -> None:
        if (now := self._place(learner_id, place)) != settling.told:
            settling.told = now
            self._tell(learner_id, "lab", **now)

    def _place(self, learner_id: LearnerId, place: Place) -> dict[str, Any]:
        lab: Mapping[str, Any] = place.lab or {}
        return {
            "state": place.state,
            "place": place.place,
            "lab": lab.get("lab"),
            "terminals": shells_of(lab),
            "names": names_of(self._parts.database, learner_id, lab["lab"]) if lab else {},
            "machine": lab.get("machine"),
            "sentence": place.sentence,
        }

    def _measure(self) -> None:
        """Tell every connected learner what their lab spends; one loop for all, none for nobody."""
        before: dict[LearnerId, tuple[float, float]] = {}
        try:
            while self._pages:
                self._measure_all(before)
                self._socketio.sleep(USAGE_EVERY_S)
        finally:
            self._measures = False

    def _measure_all(self, before: dict[LearnerId, tuple[float, float]]) -> None:
        """Of a machine, the panel beside a container tells more."""
        known = {each: self._parts.labs.of(each) for each in self._pages}
        labs = {
            lab["lab"]: each for each, lab in known.items() if lab and not lab.get("in_machine")
        }
        if not labs or self._parts.labs.is_away:
            return
        try:
            found = self._parts.engine.lab_views(usage=list(labs))["usage"]
        except Problem as problem:
            log.info("lesson.usage_unknown", code=problem.code)
            return
        for lab, usage in found.items():
            moment = (time.monotonic(), float(usage["cpu_seconds"]))
            percent = _cpu_percent(before.get(labs[lab]), moment, usage["cpu_cores"])
            before[labs[lab]] = moment
            figures = {
                name: usage[name]
                for name in ("memory_bytes", "memory_limit_bytes", "pids", "pids_limit")
            }
            self._tell(labs[lab], "usage", **figures, cpu_percent=percent)


def presses_of(step: Step) -> set[str]:
    """The names of all that a learner can press in a step."""
    names = {f"hint-{number}" for number in range(1, len(step.hints) + 1)}
    for command in step.commands:
        names |= {command.id, f"copy-{command.id}"}
    if step.prediction is not None:
        names |= {f"predict-{number}" for number in range(len(step.prediction.choices))}
    names |= {f"measured-{row}" for row in step.panel.rows}
    names |= {card.value for card in step.panel.cards}
    names |= {"previews"} if step.previews else set()
    return names | ({"server-view"} if _shows_server(step) else set())


def _require_going_on(workshop: Workshop) -> None:
    if workshop.is_paused:
        raise workshop_paused(workshop.paused_by)


def _shows_server(step: Step) -> bool:
    return step.has_server_view or Card.SERVER in step.panel.cards


def _room(learner_id: LearnerId) -> str:
    return f"learner-{learner_id}"


def _progress(progress: Progress) -> dict[str, Any]:
    return {
        "current": progress.current.name,
        "done": progress.done_count,
        "steps": [
            {"name": each.step.name, "passed": each.is_passed, "failed": each.is_failed}
            for each in progress.steps
        ],
    }


def _cpu_percent(
    before: tuple[float, float] | None, now: tuple[float, float], cores: float
) -> int | None:
    """Of what the lab may use; None at the first look, for a share needs two."""
    if before is None or now[0] <= before[0] or not cores:
        return None
    share = (now[1] - before[1]) / (now[0] - before[0]) / cores
    return max(0, min(100, round(100 * share)))
