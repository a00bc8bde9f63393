"""Arguments of verbs that want more than a look at their type."""

from __future__ import annotations

import os
import re
import socket
import stat
from typing import TYPE_CHECKING

from runtime.labs.state import Shape
from runtime.limits.amounts import Limits
from runtime.network import allowed
from runtime.protocol import bad_request

if TYPE_CHECKING:
    from runtime.protocol import Args, Call

SHAPE = ("image", "profile", "internet", "allowed", "limits", "own_figures", "in_machine")
IMAGE = r"[a-z0-9][a-z0-9._/-]{0,126}"
PROFILE = r"[a-z]{1,32}"


def shape_of(args: Args, most: Limits) -> Shape:
    """What kind of lab is asked for.

    Args:
        args: those of a call, or of one entry of a list in it (those that `SHAPE` names).
        most: what one lab may have.

    Raises:
        Problem: `bad-request`.
    """
    return Shape(
        image=args.text("image", longest=127, pattern=IMAGE),
        profile=args.text("profile", longest=32, pattern=PROFILE, default="plain"),
        internet=args.flag("internet", default=False),
        allowed=allowed_names(args),
        limits=_limits(args, most),
        own_figures=args.flag("own_figures", default=False),
        in_machine=args.flag("in_machine", default=False),
    )


def _limits(args: Args, most: Limits) -> Limits:
    """What was asked for, but never more than the operator allows one lab."""
    usual = Limits()
    if not args.has("limits"):
        return usual.within(most)
    names = ("memory_bytes", "pids", "cpu_cores", "disk_bytes", "inodes")
    asked = args.group("limits").only(names)
    memory = asked.integer("memory_bytes", low=32 << 20, high=1 << 50, default=usual.memory_bytes)
    pids = asked.integer("pids", low=16, high=1 << 22, default=usual.pids)
    cores = asked.number("cpu_cores", low=0.05, high=4096, default=usual.cpu_cores)
    disk = asked.integer("disk_bytes", low=16 << 20, high=1 << 50, default=usual.disk_bytes)
    inodes = asked.integer("inodes", low=1024, high=1 << 32, default=usual.inodes)
    wanted = Limits(memory, pids, cores, disk, inodes)
    return wanted.within(most)


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
