"""The one error that reaches a person: page, socket, command line and log say the same sentence."""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """Something a person has to read: what happened, and what to do about it.

    The code is kebab-case and listed in docs/reference.md; translations and metrics key on it. The
    operator's detail is the exception's `__cause__`.

    Args:
        code: a short kebab-case label, such as `server-full`.
        sentence: what happened and to whom; ends with a full stop.
        hint: what to do now; empty where nothing can be done.
        facts: values that the sentence was made from, JSON-able.
    """

    def __init__(self, code: str, sentence: str, hint: str = "", **facts: object) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint
        self.facts = facts

    def as_dict(self) -> dict[str, Any]:
        """What crosses a socket."""
        return {
            "code": self.code,
            "sentence": self.sentence,
            "hint": self.hint,
            "facts": self.facts,
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Problem:
        """The Problem that `as_dict` described on the other side of a socket."""
        return cls(
            str(raw.get("code", "unknown")),
            str(raw.get("sentence", "")),
            str(raw.get("hint", "")),
            **raw.get("facts", {}),
        )

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()


def disk_full() -> Problem:
    """What was asked for had to be kept, and there is no room; for either half of a server."""
    return Problem(
        "disk-full",
        "The server's disk is full, so nothing new can be kept. What was there is safe.",
        "Try again when whoever runs the server has made room in its data folder.",
    )


def away(what: str) -> Problem:
    """What a person reads while the runtime is down; the supervisor is bringing it back."""
    return Problem(
        "runtime-away",
        f"The part of this server that runs the labs is away. {what}",
        "It is started again by itself; programs in the labs go on meanwhile.",
    )
