"""The server's view of a lab: ordinary processes, under other numbers and other user ids."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.container.bundle import MAPPED_IDS
from runtime.labs import state

if TYPE_CHECKING:
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place

_ARGS_LENGTH = 200
_ARGS_BYTES = 4 * _ARGS_LENGTH  # of each; a learner may have a hundred with two megabytes


def listed(place: Place, lab: Lab) -> list[dict[str, Any]]:
    """Every process of both halves of a lab, by the server's number.

    A machine is one process, whatever runs inside it: its own numbers are its own kernel's.
    """
    halves = (("container", lab.id), ("machine", state.machine_group(lab.id)))
    return [
        {**process, "side": side}
        for side, group in halves
        for pid in sorted(place.pids(group))
        if (process := _read(pid, lab.uid_base)) is not None
    ]


def _read(pid: int, uid_base: int) -> dict[str, Any] | None:
    folder = Path(f"/proc/{pid}")
    try:
        lines = (folder / "status").read_text(errors="replace").splitlines()
        with (folder / "cmdline").open("rb") as file:
            words = file.read(_ARGS_BYTES).split(b"\0")
    except OSError:  # it has ended
        return None
    status = {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}
    inner_pids = status["NSpid"].split()[1:]
    uid = int(status["Uid"].split()[1])
    args = b" ".join(words).decode(errors="replace").strip()
    return {
        "pid": pid,
        "inner_pid": int(inner_pids[-1]) if inner_pids else None,
        "uid": uid,
        "inner_uid": uid - uid_base if uid_base <= uid < uid_base + MAPPED_IDS else None,
        "comm": _shown(status["Name"]),
        "args": _shown(args[:_ARGS_LENGTH]),
    }


def _shown(text: str) -> str:
    """What a program calls itself must do nothing to the terminal that it is printed on."""
    return "".join(each if each.isprintable() else "?" for each in text)
