"""What a process that joins a cgroup waits for, asked for before it is there.

To let one in the kernel waits until no processor is in the midst of a fork or an exit (a grace
period of RCU: some 10 ms, half of what an OCI runtime takes to start a lab); who comes shortly
after another waits for nothing. So that wait can go by while other things are made.

Source: `favordynmods` in the kernel's Documentation/admin-guide/cgroup-v2.rst, which does away with
it for the whole machine, and makes each fork dearer.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.kernel.forked import Talk
    from runtime.kernel.forker import Forker


def expect(forker: Forker, members: Path) -> Talk:
    """Have a child wait for what whoever joins a cgroup in the next milliseconds would wait for.

    Args:
        forker: makes the child.
        members: the `cgroup.procs` of a cgroup of ours. Any does, since all wait for the same.

    Returns:
        The conversation with it, which ends when it has waited; closing it is the caller's part.
    """
    return forker.call(join, {"members": str(members)})


def join(_talk: Talk, args: dict[str, Any], _fds: list[int]) -> None:
    """In the child, which ends then: try to join. v2 refuses it, but not before the wait."""
    with suppress(OSError):
        Path(args["members"]).write_text("0")  # whoever writes
