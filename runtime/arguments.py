"""Arguments of verbs that want more than a look at their type."""

from __future__ import annotations

import os
import re
import socket
import stat
from typing import TYPE_CHECKING

from runtime.network import allowed
from runtime.protocol import bad_request

if TYPE_CHECKING:
    from runtime.protocol import Args, Call


def allowed_names(args: Args) -> tuple[str, ...]:
    """The names that a lab may reach; none where no list was given.

    A list that is empty must never pass for none, which lets a lab reach everything.

    Raises:
        Problem: `bad-request`.
    """
    if not args.has("allowed"):
        return ()
    names = args.texts("allowed", most=allowed.NAMES_MOST, longest=allowed.NAME_LONGEST)
    wrong = [name for name in names if not re.fullmatch(allowed.NAME, name)]
    if wrong or not names or sum(map(len, names)) > allowed.TEXT_MOST:
        raise bad_request(
            f"The argument “allowed” must be names such as pypi.org or *.debian.org, one to "
            f"{allowed.NAMES_MOST} of them, {allowed.TEXT_MOST} characters in all.",
            argument="allowed",
        )
    return tuple(dict.fromkeys(names))


def rows(args: Args) -> int:
    """How many rows a terminal has."""
    return args.integer("rows", low=1, high=500, default=24)


def cols(args: Args) -> int:
    """How many columns a terminal has."""
    return args.integer("cols", low=1, high=1000, default=80)


def file_of(call: Call) -> int:
    """The descriptor of a file that came with a call; the caller's from now on.

    Raises:
        Problem: `bad-request`.
    """
    fd = call.descriptors.take(0)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise bad_request("This needs a descriptor of a file.")
    return fd


def socket_of(call: Call) -> socket.socket:
    """The connected socket that came with a call; the caller's from now on.

    Raises:
        Problem: `bad-request`.
    """
    fd = call.descriptors.take(0)
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        os.close(fd)
        raise bad_request("This needs a descriptor of a socket.")
    return socket.socket(fileno=fd)
