"""What root sees of the kernel from inside: the same questions asked in both halves of a lab.

Nothing is assumed of a wall: a script asks, and what it was told is shown. Whose kernel answered is
told by its boot id, since two with one id are one.
"""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from runtime.labs.compare.works import Runner
    from runtime.labs.state import Lab

_ANSWER_BYTES = 64 << 10
_PATIENCE_S = 20.0
_LONGEST = 200
_CAP_SYS_MODULE = 16
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# By sh(1) and what is in every Debian; each line is a name, a tab, and what was found. find's own
# -type errs where a node is bound onto a file. The last question opens the file for writing, and
# writes nothing.
_QUESTIONS = r"""
say() { printf '%s\t%s\n' "$1" "$2"; }
say release "$(uname -r)"
say boot-id "$(cat /proc/sys/kernel/random/boot_id)"
if [ -e /proc/modules ]; then say modules "$(wc -l </proc/modules)"; else say modules none; fi
say capabilities "$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)"
if lines=$(dmesg 2>&1); then
  say log "$(printf '%s\n' "$lines" | wc -l)"
else
  say no-log "$lines"
fi
say cpus "$(grep -c '^processor' /proc/cpuinfo)"
say cpu "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
say uptime "$(cut -d ' ' -f 1 /proc/uptime)"
say lxcfs "$(sed -n 's|^[^ ]* /proc/\([a-z]*\) fuse\.lxcfs .*|\1|p' /proc/self/mounts | xargs)"
nodes=0
for each in $(find /dev ! -type l ! -path '/dev/pts/*'); do
  if [ -b "$each" ] || [ -c "$each" ]; then nodes=$((nodes + 1)); fi
done
say devices "$nodes"
say process-1 "$(cat /proc/1/comm)"
for each in /sys/class/net/*; do
  driver=$(basename "$(readlink "$each/device/driver" 2>/dev/null)" 2>/dev/null)
  say network "${each##*/} $(cat "$each/ifindex") $(cat "$each/iflink") $driver"
done
if [ ! -e /proc/sysrq-trigger ]; then
  say panic none
elif said=$( (: >>/proc/sysrq-trigger) 2>&1); then
  say panic allowed
else
  say panic "${said##*: }"
fi
"""


class Answer(NamedTuple):
    """What is shown: short, and where it is due one sentence."""

    value: str
    note: str = ""


def rows(lab: Lab, container: Runner, machine: Runner | None) -> dict[str, Any]:
    """Ask both halves, as `meter.isolation` answers it.

    Args:
        lab: a lab that is ready.
        container: runs a program as root in its container.
        machine: the same in its machine; None where none is ready.
    """
    ours = _shown(_ask(lab, container))
    its = _shown(_ask(lab, machine)) if machine else {}
    return {
        "at": time.time(),
        "rows": [
            {
                "name": name,
                "container": ours[name]._asdict() if name in ours else None,
                "machine": its[name]._asdict() if name in its else None,
            }
            for name in _ROWS
        ],
    }


class _Told:
    """What one half said, a question a key."""

    def __init__(self, said: str) -> None:
        pairs = [line.partition("\t") for line in said.splitlines()]
        told = [(name, _printable(value.strip())) for name, _, value in pairs]
        self._answers = dict(told)
        self.networks = [value.split() for name, value in told if name == "network"]

    def __getitem__(self, name: str) -> str:
        return self._answers.get(name, "")

    @property
    def is_own(self) -> bool:
        """Whether another kernel than the server's has answered."""
        return self["boot-id"] != _BOOT_ID.read_text().strip()

    @property
    def whose(self) -> str:
        """For a value."""
        return "its own" if self.is_own else "the server's"

    def is_by_lxcfs(self, name: str) -> bool:
        """Whether a file of /proc isn't the kernel's word: the workshop has lxcfs lie over it."""
        return name in self["lxcfs"].split()


def _ask(lab: Lab, run: Runner) -> _Told:
    read_fd, write_fd = os.pipe2(os.O_CLOEXEC)
    deadline = time.monotonic() + _PATIENCE_S
    try:
        with Path("/dev/null").open("r+b") as nothing:
            fds = (nothing.fileno(), write_fd, nothing.fileno())
            run(lab, ["sh", "-c", _QUESTIONS], fds, lambda: time.monotonic() > deadline)
        return _Told(_waiting_in(read_fd))
    finally:
        os.close(read_fd)
        os.close(write_fd)


def _waiting_in(read_fd: int) -> str:
    """What stands in a pipe; not to its end, which a program left behind may hold open."""
    poll = select.poll()
    poll.register(read_fd, select.POLLIN)
    return os.read(read_fd, _ANSWER_BYTES).decode(errors="replace") if poll.poll(0) else ""


def _shown(told: _Told) -> dict[str, Answer]:
    """Each row that was answered; root of the lab may have put another sh there."""
    found = {}
    for name, show in _ROWS.items():
        with suppress(ValueError, TypeError, IndexError):
            if (answer := show(told)).value:
                found[name] = answer
    return found


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text[:_LONGEST])


def _kernel(told: _Told) -> Answer:
    release = told["release"]
    return Answer(release and f"{release}, {told.whose}")


def _boot_id(told: _Told) -> Answer:
    note = "" if told.is_own else "The server and every container on it have this one."
    return Answer(told["boot-id"], note)


def _modules(told: _Told) -> Answer:
    count, held = told["modules"], told["capabilities"]
    if not count or not held:
        return Answer("")
    if count == "none":
        return Answer(f"none, {told.whose}", "This kernel was built without modules.")
    may_load = bool(int(held, 16) >> _CAP_SYS_MODULE & 1)
    if may_load:
        return Answer(f"{count} loaded, {told.whose}", "Root here may load others.")
    return Answer(
        f"{told.whose} {count}, can't load",
        "It sees them; a module would be code in everybody's kernel.",
    )


def _log(told: _Told) -> Answer:
    if told["no-log"]:
        return Answer("refused", f"dmesg says: {told['no-log'].rpartition(': ')[2]}")
    return Answer(told["log"] and f"{told.whose}, {told['log']} lines")


def _cpu(told: _Told) -> Answer:
    count = told["cpus"]
    if not count:
        return Answer("")
    cores = f"{count} core{'' if count == '1' else 's'}"
    if told.is_own:
        return Answer(f"{cores}, virtual", told["cpu"])
    if told.is_by_lxcfs("cpuinfo"):
        return Answer(
            f"{cores} of the server's", f"{told['cpu']}: lxcfs shows as many as it may use."
        )
    return Answer(f"the server's {cores}", f"{told['cpu']}: it may use less than it sees.")


def _uptime(told: _Told) -> Answer:
    try:
        seconds = float(told["uptime"])
    except ValueError:
        return Answer("")
    if told.is_by_lxcfs("uptime"):
        return Answer(
            f"{_span(seconds)}, the container's",
            "By lxcfs, from the start of its process 1; its kernel, the server's, counts longer.",
        )
    return Answer(f"{_span(seconds)}, {told.whose}")


def _devices(told: _Told) -> Answer:
    return Answer(told["devices"])


def _process_1(told: _Told) -> Answer:
    return Answer(told["process-1"])


def _network(told: _Told) -> Answer:
    cards = [_card(*each) for each in told.networks if each[0] != "lo"]
    return Answer(", ".join(cards) or (told["boot-id"] and "loopback alone"))


def _card(name: str, index: str, link: str, driver: str = "") -> str:
    if driver:
        return f"{name}: {driver}, a made-up card"
    return f"{name}: one end of a cable" if index != link else f"{name}: virtual"


def _panic(told: _Told) -> Answer:
    if told["panic"] == "allowed":
        return Answer("may stop its own kernel", "The machine ends then, and nothing else.")
    if told["panic"] == "none":
        return Answer(
            "nothing to ask", f"No /proc/sysrq-trigger here: {told.whose} kernel has none."
        )
    return Answer(
        told["panic"] and "refused",
        f"/proc/sysrq-trigger says: {told['panic']}. That kernel is everybody's.",
    )


def _span(seconds: float) -> str:
    if seconds < 120:  # a machine that has just booted
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


_ROWS = {
    "kernel": _kernel,
    "boot-id": _boot_id,
    "modules": _modules,
    "log": _log,
    "cpu": _cpu,
    "uptime": _uptime,
    "devices": _devices,
    "process-1": _process_1,
    "network": _network,
    "panic": _panic,
}
