"""Every Socket.IO event: direction, fields, largest size. The only table; all is checked here.

The browser sends imperatives and gets an answer by acknowledgement, the server sends facts. What is
unknown, malformed or too large is refused by name, as the fact `problem`; the connection lives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog
from flask import request
from flask_socketio import emit

from webapp.lesson_format.model import Work
from webapp.problems import Problem, broke
from webapp.workshops.hands import NOTE_MOST
from webapp.workshops.messages import (
    COMMAND_MOST,
    COUNTDOWN_MOST,
    FILE_BYTES_MOST,
    FILE_NAME_MOST,
    TEXT_MOST,
)
from webapp.workshops.terminal_names import LENGTH_MOST

if TYPE_CHECKING:
    from flask_socketio import SocketIO

log = structlog.get_logger()

STEP_CHARS = 200  # `LESSON/NAME`
SMALL_BYTES = 1024
ANSWER_BYTES = 4096
LOOK_CHARS = 4096  # 300 public names with spaces between
FRAME_BYTES = 64 * 1024


class Sender(StrEnum):
    """Who says it."""

    BROWSER = "browser"
    SERVER = "server"


class Kind(StrEnum):
    """What a field's value is; `json` is only for what we send ourselves."""

    TEXT = "text"
    WHOLE = "whole number"
    FLAG = "true or false"
    ANSWER = "text or whole number"
    BYTES = "bytes"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Attributes:
        most: characters of a text, bytes of bytes, the value of a whole number; numbers begin at 0.
        words: the only values of a text, where there are only some.
        optional: may be left out, or be null.
        unit: of a number.
    """

    name: str
    kind: Kind
    most: int = 0
    words: tuple[str, ...] = ()
    optional: bool = False
    unit: str = ""

    def fits(self, value: object) -> bool:
        """Is this value one that the field may hold?"""
        if value is None:
            return self.optional
        match self.kind:
            case Kind.TEXT:
                return self._fits_text(value)
            case Kind.WHOLE:
                return self._fits_whole(value)
            case Kind.FLAG:
                return isinstance(value, bool)
            case Kind.ANSWER:
                return self._fits_text(value) or self._fits_whole(value)
            case Kind.BYTES:
                return isinstance(value, bytes) and len(value) <= self.most
            case Kind.JSON:
                return True

    def _fits_text(self, value: object) -> bool:
        if not isinstance(value, str) or len(value) > self.most:
            return False
        return not self.words or value in self.words

    def _fits_whole(self, value: object) -> bool:
        return type(value) is int and 0 <= value <= self.most


@dataclass(frozen=True, slots=True)
class Message:
    """One event of one namespace.

    Attributes:
        answer: the fields of the acknowledgement; empty for a fact.
        most_bytes: of the whole message; a larger one is refused unread.
    """

    namespace: str
    name: str
    sender: Sender
    fields: tuple[Field, ...] = ()
    answer: tuple[str, ...] = ()
    most_bytes: int = SMALL_BYTES


def _text(name: str, most: int = 100, *words: str) -> Field:
    return Field(name, Kind.TEXT, most, words)


def _facts(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name, Kind.JSON, optional=True) for name in names)


STEP = _text("step", STEP_CHARS)
TERMINAL = _text("terminal", 10)
OPENED = (
    *("step", "progress", "until", "paused", "by", "locked", "brought"),
    *("hand", "watchers", "keyboard", "messages"),
)
VERDICT = ("passed", "broke", "title", "expected", "found", "try", "done", "next", "summary")
CARDS = ("processes", "plan")
METER_FACTS = ("at", "accelerator", "cores", "resumable", "container", "machine")
WORK_FACTS = (
    *("work", "state", "place", "side", "percent", "container", "machine", "accelerator"),
    "sentence",
)
BYTES_COUNT = 2**63
LINES_MOST = 1000

MESSAGES: tuple[Message, ...] = (
    Message("/lesson", "open", Sender.BROWSER, (STEP,), OPENED),
    Message("/lesson", "check", Sender.BROWSER, (STEP,), VERDICT),
    Message(
        "/lesson",
        "answer",
        Sender.BROWSER,
        (STEP, _text("question"), Field("value", Kind.ANSWER, 1000)),
        VERDICT,
        ANSWER_BYTES,
    ),
    Message("/lesson", "press", Sender.BROWSER, (STEP, _text("name"))),
    Message("/lesson", "skip", Sender.BROWSER, (STEP,), ("next",)),
    Message("/lesson", "reset", Sender.BROWSER, (STEP,)),
    Message("/lesson", "processes", Sender.BROWSER, (), ("processes", "kernel")),
    Message(
        "/lesson", "follow", Sender.BROWSER, (_text("card", 10, *CARDS), Field("on", Kind.FLAG))
    ),
    Message("/lesson", "processes", Sender.SERVER, _facts("processes", "kernel")),
    Message("/lesson", "plan", Sender.SERVER, _facts("plan")),
    Message("/lesson", "container", Sender.BROWSER, (), ("cells",)),
    Message(
        "/lesson",
        "engine",
        Sender.BROWSER,
        (_text("what", 10, "containers", "images"),),
        ("found",),
    ),
    Message(
        "/lesson",
        "terminal",
        Sender.BROWSER,
        (
            _text("do", 10, "open", "close", "call"),
            Field("name", Kind.TEXT, 8, optional=True),
            Field("called", Kind.TEXT, LENGTH_MOST, optional=True),
        ),
        ("terminal",),
    ),
    Message(
        "/lesson",
        "boot",
        Sender.BROWSER,
        (
            _text("how", 10, "cold", "resumed"),
            Field("rows", Kind.WHOLE, LINES_MOST),
            Field("cols", Kind.WHOLE, LINES_MOST),
        ),
        ("machine",),
    ),
    Message("/lesson", "halt", Sender.BROWSER, (Field("force", Kind.FLAG),), ("machine",)),
    Message("/lesson", "work", Sender.BROWSER, (_text("work", 10, *Work),)),
    Message("/lesson", "stop", Sender.BROWSER),
    Message("/lesson", "plan", Sender.BROWSER, (), ("plan",)),
    Message(
        "/lesson", "more", Sender.BROWSER, (_text("kind", 10, "container", "machine"),), ("plan",)
    ),
    Message("/lesson", "less", Sender.BROWSER, (), ("plan",)),
    Message("/lesson", "isolation", Sender.BROWSER, (), ("at", "rows")),
    Message(
        "/lesson",
        "lab",
        Sender.SERVER,
        _facts("state", "place", "lab", "terminals", "names", "machine", "sentence"),
    ),
    Message(
        "/lesson",
        "hand",
        Sender.BROWSER,
        (Field("up", Kind.FLAG), Field("note", Kind.TEXT, 4 * NOTE_MOST, optional=True)),
        ("place",),
    ),
    Message("/lesson", "hand", Sender.SERVER, _facts("place")),
    Message("/lesson", "lend", Sender.BROWSER, (Field("yes", Kind.FLAG),)),
    Message("/lesson", "watch", Sender.SERVER, _facts("names")),
    Message("/lesson", "close", Sender.BROWSER, (_text("message", 16),)),
    Message(
        "/lesson",
        "ran",
        Sender.BROWSER,
        (_text("message", 16), Field("code", Kind.WHOLE, 255, optional=True)),
    ),
    Message(
        "/lesson",
        "message",
        Sender.SERVER,
        _facts("message", "text", "command", "until", "file", "by", "at"),
    ),
    Message("/lesson", "keyboard", Sender.SERVER, _facts("state", "by", "at")),
    Message("/lesson", "machine", Sender.SERVER, _facts("machine")),
    Message("/lesson", "meter", Sender.SERVER, _facts(*METER_FACTS)),
    Message("/lesson", "work", Sender.SERVER, _facts(*WORK_FACTS)),
    Message(
        "/lesson",
        "usage",
        Sender.SERVER,
        (
            Field("memory_bytes", Kind.WHOLE, BYTES_COUNT, optional=True, unit="bytes"),
            Field("memory_limit_bytes", Kind.WHOLE, BYTES_COUNT, optional=True, unit="bytes"),
            Field("pids", Kind.WHOLE, BYTES_COUNT, optional=True),
            Field("pids_limit", Kind.WHOLE, BYTES_COUNT, optional=True),
            Field("cpu_percent", Kind.WHOLE, 100, optional=True, unit="percent of its limit"),
        ),
    ),
    Message("/lesson", "limit", Sender.SERVER, _facts("limit", "sentence")),
    Message("/lesson", "reset", Sender.SERVER, _facts("done", "sentence")),
    Message(
        "/lesson",
        "clock",
        Sender.SERVER,
        (
            Field("until", Kind.WHOLE, BYTES_COUNT, unit="unix seconds"),
            Field("paused", Kind.WHOLE, BYTES_COUNT, optional=True, unit="unix seconds"),
            _text("by", 32),
        ),
    ),
    Message("/lesson", "ended", Sender.SERVER, _facts("sentence")),
    Message("/lesson", "pace", Sender.SERVER, _facts("locked")),
    Message("/lesson", "brought", Sender.SERVER, _facts("step", "by")),
    Message("/lesson", "problem", Sender.SERVER, _facts("code", "sentence", "hint", "event")),
    Message(
        "/terminal",
        "open",
        Sender.BROWSER,
        (
            TERMINAL,
            Field("after", Kind.WHOLE, BYTES_COUNT, optional=True, unit="sequence number"),
            Field("epoch", Kind.WHOLE, BYTES_COUNT, optional=True),
        ),
    ),
    Message(
        "/terminal",
        "send",
        Sender.BROWSER,
        (TERMINAL, Field("data", Kind.BYTES, FRAME_BYTES + 1)),
        most_bytes=2 * FRAME_BYTES + SMALL_BYTES,  # _size counts bytes twice
    ),
    Message("/terminal", "close", Sender.BROWSER, (TERMINAL,)),
    Message(
        "/terminal",
        "said",
        Sender.SERVER,
        (TERMINAL, Field("data", Kind.BYTES, FRAME_BYTES + SMALL_BYTES)),
    ),
    Message("/terminal", "closed", Sender.SERVER, (TERMINAL,)),
    Message("/terminal", "problem", Sender.SERVER, _facts("code", "sentence", "hint", "event")),
    Message("/images", "watch", Sender.BROWSER, (), ("fetches",)),
    Message(
        "/images",
        "fetch",
        Sender.SERVER,
        _facts("name", "state", "step", "done_bytes", "total_bytes", "problem"),
    ),
    Message("/images", "problem", Sender.SERVER, _facts("code", "sentence", "hint", "event")),
    Message(
        "/wall", "watch", Sender.BROWSER, (_text("workshop", 16),), ("learners", "clock", "sent")
    ),
    Message("/wall", "look", Sender.BROWSER, (_text("learners", LOOK_CHARS),), (), 2 * LOOK_CHARS),
    *(
        Message("/wall", name, Sender.BROWSER, (_text("learner", 16),), ("keyboard",))
        for name in ("follow", "ask", "leave")
    ),
    Message("/wall", "keyboard", Sender.SERVER, _facts("state", "by", "at")),
    Message(
        "/wall",
        "tell",
        Sender.BROWSER,
        (
            _text("learners", LOOK_CHARS),
            _text("text", 4 * TEXT_MOST),
            _text("command", 4 * COMMAND_MOST),
            Field("minutes", Kind.WHOLE, COUNTDOWN_MOST, optional=True, unit="minutes"),
            Field("file_name", Kind.TEXT, 4 * FILE_NAME_MOST, optional=True),
            Field("file", Kind.BYTES, FILE_BYTES_MOST, optional=True),
        ),
        ("count",),
        2 * LOOK_CHARS + 4 * ANSWER_BYTES + FILE_BYTES_MOST,
    ),
    Message("/wall", "outcome", Sender.BROWSER, (_text("message", 16),), ("learners",)),
    Message("/wall", "sent", Sender.SERVER, _facts("messages")),
    Message("/wall", "gone", Sender.SERVER, _facts("learner")),
    Message("/wall", "screen", Sender.SERVER, _facts("learner", "rows", "cols", "lines", "whole")),
    Message(
        "/wall",
        "learner",
        Sender.SERVER,
        _facts(
            "learner",
            "name",
            "is_staff",
            "title",
            "lesson",
            "step",
            "steps",
            "checks",
            "last",
            "present",
            "lab_state",
            "busy_minutes",
            "place",
            "step_since",
            "state",
            "text",
            "since",
            "detail",
            "rank",
        ),
    ),
    Message("/wall", "clock", Sender.SERVER, _facts("until", "ended", "overran", "paused")),
    Message("/wall", "problem", Sender.SERVER, _facts("code", "sentence", "hint", "event")),
)

_BY_NAME = {(each.namespace, each.name, each.sender): each for each in MESSAGES}

Handler = Callable[..., Mapping[str, Any] | None]


def read(namespace: str, name: str, args: tuple[object, ...]) -> dict[str, Any]:
    """Check what a browser sent, and give its fields.

    Args:
        namespace: the noun, such as `/lesson`.
        name: the event's.
        args: the event's arguments as Socket.IO unpacked them: one object, or nothing.

    Raises:
        Problem: `message-unknown`, `message-malformed`, `message-too-large`.
    """
    message = _BY_NAME.get((namespace, name, Sender.BROWSER))
    if message is None:
        shown = name[:40]
        raise Problem("message-unknown", f"There is no message “{shown}” here.", "Reload the page.")
    size = _size(args)
    if size > message.most_bytes:
        raise Problem(
            "message-too-large",
            f"The message “{name}” has {size} bytes; {message.most_bytes} are allowed.",
            "Send less.",
        )
    payload: object = args[0] if args else {}
    if len(args) > 1 or not isinstance(payload, dict):
        raise _malformed(name, "one object is expected")
    return _fields(message, payload)


def fact(namespace: str, name: str, /, **fields: object) -> dict[str, object]:
    """Check what we are about to send, so that the table can't drift from the code.

    Raises:
        ValueError: a fact or a field that the table doesn't have.
    """
    message = _BY_NAME.get((namespace, name, Sender.SERVER))
    if message is None:
        raise ValueError(f"no fact {name} in {namespace}")
    known = {field.name: field for field in message.fields}
    for key, value in fields.items():
        if key not in known or not known[key].fits(value):
            raise ValueError(f"{namespace} {name}: {key}={value!r}")
    return fields


def sid() -> str:
    """The connection whose message is handled now."""
    return str(request.sid)  # type: ignore[attr-defined]  # Flask-SocketIO adds it


def listen(socketio: SocketIO, namespace: str, handlers: Mapping[str, Handler]) -> None:
    """Put handlers behind the check, and refuse by name whatever the table doesn't have.

    A handler gets the message's fields as keyword arguments and gives the answer's; a Problem that
    it raises becomes the answer `{"problem": …}`. It runs in the request context of the socket.
    """
    for name, handler in handlers.items():
        socketio.on_event(name, _guarded(namespace, name, handler), namespace)
    socketio.on_event("*", lambda name, *args: _refuse_unknown(namespace, name, args), namespace)


def _guarded(namespace: str, name: str, handler: Handler) -> Callable[..., dict[str, Any]]:
    def handle(*args: object) -> dict[str, Any]:
        try:
            fields = read(namespace, name, args)
        except Problem as problem:
            return _refused(namespace, name, problem)
        try:
            return dict(handler(**fields) or {})
        except Problem as problem:
            return {"problem": problem.as_dict()}
        except Exception:
            log.exception("socket.handler_broke", namespace=namespace, message=name)
            return {"problem": broke().as_dict()}

    return handle


def _refuse_unknown(namespace: str, name: str, args: tuple[object, ...]) -> dict[str, Any]:
    try:
        read(namespace, name, args)
    except Problem as problem:
        return _refused(namespace, name, problem)
    return {}


def _refused(namespace: str, name: str, problem: Problem) -> dict[str, Any]:
    log.info("socket.message_refused", namespace=namespace, code=problem.code)
    told = fact(
        namespace,
        "problem",
        code=problem.code,
        sentence=problem.sentence,
        hint=problem.hint,
        event=name[:40],
    )
    emit("problem", told, to=sid())
    return {"problem": problem.as_dict()}


def _fields(message: Message, payload: dict[Any, Any]) -> dict[str, Any]:
    known = {field.name: field for field in message.fields}
    for key in payload:
        if key not in known:
            raise _malformed(message.name, f"it has no field “{str(key)[:40]}”")
    for name, field in known.items():
        if not field.fits(payload.get(name)):
            most = f" of at most {field.most}" if field.most else ""
            raise _malformed(message.name, f"{name} must be {field.kind}{most}")
    return {name: payload.get(name) for name in known}


def _malformed(name: str, why: str) -> Problem:
    return Problem(
        "message-malformed", f"The message “{name}” can't be read: {why}.", "Reload the page."
    )


def _size(args: tuple[object, ...]) -> int:
    loose = sum(len(value) for value in args if isinstance(value, bytes))
    return loose + len(json.dumps(args, default=_length_of_bytes))


def _length_of_bytes(value: object) -> str:
    return "x" * len(value) if isinstance(value, bytes) else "?"
