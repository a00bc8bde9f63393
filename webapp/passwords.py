"""Passwords of people who teach: argon2, off the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from webapp.problems import Problem

LENGTH_LEAST = 10
LENGTH_MOST = 1024

Offload = Callable[..., Any]


def run_here(work: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401 -- whatever the work gives
    """The offload of tests and the command line.

    No event loop waits, so the work is done at once.
    """
    return work(*args)


class Passwords:
    """Hashes and verifies.

    Args:
        offload: calls its first argument with the rest, somewhere that keeps nobody else waiting: a
            hash takes 30 to 100 ms of a core, and 20 sign-ins at once must not stop a class.
    """

    def __init__(self, offload: Offload = run_here) -> None:
        self._offload = offload
        self._hasher = PasswordHasher()

    def hash(self, password: str) -> str:
        """What is stored of a password.

        Raises:
            Problem: `password-short`, `password-long`.
        """
        if len(password) < LENGTH_LEAST:
            raise Problem(
                "password-short",
                f"The password has {len(password)} characters.",
                f"Take at least {LENGTH_LEAST}; a few words in a row are easy to keep.",
            )
        if len(password) > LENGTH_MOST:
            raise Problem(
                "password-long",
                f"The password has {len(password)} characters.",
                f"{LENGTH_MOST} fit.",
            )
        return str(self._offload(self._hasher.hash, password))

    def is_right(self, password_hash: str | None, password: str) -> bool:
        """Does the password belong to the hash? Without a hash it takes as long to say no."""
        if len(password) > LENGTH_MOST:
            return False
        if password_hash is None:
            self._offload(self._hasher.hash, password)  # the same work, for nothing
            return False
        return bool(self._offload(self._verify, password_hash, password))

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerificationError:
            return False
