"""The users that an installed server's processes run as, by name.

A server that was only started runs them under ids that nobody has a name for, claimed until the
machine starts anew (limits/ids.py). An installed one has users of its own, so that `ps`, `ls` and
the journal say who it is. Their comment says whose they are: another server on the same machine
goes on as before.
"""

from __future__ import annotations

import grp
import pwd
from typing import TYPE_CHECKING, NamedTuple

from runtime.kernel import spawn
from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Container


class Uids(NamedTuple):
    """The user ids of one server's processes; each has a group of the same number.

    Attributes:
        web: the first.
        pump: of all pumps, for they do the same for the same people.
    """

    web: int
    pump: int
    preview: int
    registry: int

    @classmethod
    def from_first(cls, first: int) -> Uids:
        """They follow each other."""
        return cls(*range(first, first + len(cls._fields)))


NAMES = tuple(f"slipway-{name}" for name in Uids._fields)
_SYSTEM_IDS = range(100, 1000)  # Debian's, for services
_NOWHERE = "/nonexistent"
_NO_SHELL = "/usr/sbin/nologin"


def installed(instance_id: str) -> Uids | None:
    """Those of an installed server; None where it isn't installed."""
    try:
        found = [pwd.getpwnam(name) for name in NAMES]
    except KeyError:
        return None
    uids = Uids.from_first(found[0].pw_uid)
    are_ours = all(each.pw_gecos == _comment(instance_id) for each in found)
    are_in_a_row = [(each.pw_uid, each.pw_gid) for each in found] == [(uid, uid) for uid in uids]
    return uids if are_ours and are_in_a_row else None


def make(instance_id: str) -> None:
    """Make them, unless they are there.

    Raises:
        Problem: `users-taken` where others have the names.
    """
    if installed(instance_id) is not None:
        return
    if taken := [name for name in NAMES if name in {each.pw_name for each in pwd.getpwall()}]:
        raise Problem(
            "users-taken",
            f"The user {taken[0]} is there already, and is not this server's.",
            "Remove it with `deluser`, or uninstall the other Slipway.",
        )
    used = {each.pw_uid for each in pwd.getpwall()} | {each.gr_gid for each in grp.getgrall()}
    first = free_row(used)
    for number, name in enumerate(NAMES, first):
        spawn.run(["groupadd", "--system", "--gid", str(number), name])
        ids = ["--uid", str(number), "--gid", str(number), "--comment", _comment(instance_id)]
        home = ["--home-dir", _NOWHERE, "--no-create-home", "--shell", _NO_SHELL]
        spawn.run(["useradd", "--system", *ids, *home, name])


def remove(instance_id: str) -> None:
    """Remove those of this server; done already is done."""
    for name in NAMES:
        try:
            is_ours = pwd.getpwnam(name).pw_gecos == _comment(instance_id)
        except KeyError:
            continue
        if is_ours:
            spawn.run(["userdel", name])
            if name in {each.gr_name for each in grp.getgrall()}:  # it may go with its user
                spawn.run(["groupdel", name])


def free_row(used: Container[int]) -> int:
    """The highest ids of services, as many as there are names, that neither user nor group has.

    Raises:
        Problem: `ids-full`.
    """
    for first in reversed(_SYSTEM_IDS[: -len(NAMES) + 1]):
        if not any(first + number in used for number in range(len(NAMES))):
            return first
    raise Problem(
        "ids-full",
        "This machine has no user ids left for services.",
        "Remove users of services that are gone.",
    )


def _comment(instance_id: str) -> str:
    return f"Slipway {instance_id}"
