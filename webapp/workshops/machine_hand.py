"""A learner's hand on a machine, for `lesson test`: boots, types, runs works, asks for more."""

from __future__ import annotations

import os
import secrets
import select
import shlex
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from runtime.client import Problem
from webapp.workshops import asking

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.client import Client

BOOT_S = 180.0
WORK_S = 60.0
_POLL_S = 0.2
_READ_BYTES = 65536
_HISTORY = "/home/learner/.bash_history"
_OVER = {"ended", "failed"}


class MachineHand:
    """Boots, works, asks for more; and types into a shell of the machine's.

    Args:
        client: asked for `lab.exec`, so this needs root.
        lab: whose machine.
    """

    def __init__(self, client: Client, lab: str) -> None:
        self._client = client
        self._lab = lab
        self._shell: _Shell | None = None
        self.works: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave_shell()

    @property
    def is_ready(self) -> bool:
        """Whether the machine is at its prompt now."""
        machine = self._client.lab_get(self._lab).get("machine")
        return machine is not None and machine["state"] == "ready"

    def boot(self, how: str) -> None:
        """Start the machine and wait for its prompt, or (`end`) stop it and wait until it is gone.

        Raises:
            Problem: `command-stuck` with the machine's own sentence when it doesn't come.
        """
        if how == "end":
            self._leave_shell()
            self._client.machine_end(self._lab, force=True)
            self._wait(lambda state: state in _OVER)
            return
        asking.boot(self._client, self._lab, how, rows=24, cols=80)
        self._wait(lambda state: state == "ready")

    def run(self, command: str) -> str:
        """Type a command into the machine's shell; what it printed.

        A command that brings the machine down ends the shell; what was printed until then is given.
        """
        if self._shell is None:
            self._shell = _Shell(self._client, self._lab)
        said = self._shell.run(command)
        if self._shell.has_ended:
            self._leave_shell()
            self._wait(lambda state: state in _OVER)
        return said

    def work(self, name: str) -> None:
        """Run one work on both sides, and keep its result as the web would.

        Raises:
            Problem: `command-stuck` when it doesn't end, or ends without a result.
        """
        with self._client.follow() as feed:
            self._client.work_start(self._lab, name)
            deadline = time.monotonic() + WORK_S
            while select.select([feed], [], [], max(0, deadline - time.monotonic()))[0]:
                packet = feed.receive()
                if packet is None:
                    break
                event = packet.body
                if event.get("type") != "work.changed" or event.get("lab") != self._lab:
                    continue
                if event["state"] == "done":
                    keys = ("work", "container", "machine", "accelerator")
                    self.works[name] = {key: event.get(key) for key in keys}
                    return
                if event["state"] in {"failed", "stopped"}:
                    raise _stuck(f"work: {name}", event.get("sentence") or event["state"])
        raise _stuck(f"work: {name}", f"it didn't end within {WORK_S:.0f} s")

    def ask_for(self, what: str) -> None:
        """One more of a kind, machines until the planner says no, or no more of them."""
        asking.ask_planner(self._client, self._lab, what)

    def _wait(self, is_there: Callable[[str], bool]) -> None:
        deadline = time.monotonic() + BOOT_S
        while time.monotonic() < deadline:
            machine = self._client.lab_get(self._lab)["machine"]
            if machine is None or is_there(machine["state"]):
                return
            if machine["state"] in _OVER:
                raise _stuck("boot", machine["sentence"] or machine["state"])
            time.sleep(_POLL_S)
        raise _stuck("boot", f"the machine wasn't ready after {BOOT_S:.0f} s")

    def _leave_shell(self) -> None:
        if self._shell is not None:
            self._shell.close()
            self._shell = None


class _Shell:
    """A shell in the machine that reads commands from a pipe; one, so that it keeps its state."""

    def __init__(self, client: Client, lab: str) -> None:
        inner_in, self._into = os.pipe()
        self._out, inner_out = os.pipe()
        self.has_ended = False

        def serve() -> None:
            with suppress(Problem):  # the machine may go away under it, which a lesson may want
                client.lab_exec(
                    lab,
                    ["bash", "-l"],
                    user="learner",
                    fds=(inner_in, inner_out, inner_out),
                    where="machine",
                )
            os.close(inner_in)
            os.close(inner_out)

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    def run(self, command: str, patience_s: float = 60) -> str:
        """What a command prints, whichever shell reads it by then."""
        mark = secrets.token_hex(8)
        noted = f"printf '%s\\n' {shlex.quote(command)} >> {_HISTORY}"
        # A line of its own: a shell that the command starts reads it instead of the one before.
        self._write(f"{noted}\n{command}\necho {mark[:4]}''{mark[4:]}\n")
        said = ""
        deadline = time.monotonic() + patience_s
        while mark not in said:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._out], [], [], left)[0]:
                raise _stuck(command, f"nothing more came within {patience_s:.0f} s")
            part = os.read(self._out, _READ_BYTES)
            if not part:
                self.has_ended = True
                return said
            said += part.decode(errors="replace")
        return said.partition(mark)[0]

    def close(self) -> None:
        """End the shell's input, and with it the shell."""
        os.close(self._into)
        self._thread.join(5)
        os.close(self._out)

    def _write(self, text: str) -> None:
        with suppress(BrokenPipeError):
            os.write(self._into, text.encode())


def _stuck(command: str, what: str) -> Problem:
    return Problem("command-stuck", f"After `{command}`, {what}.", "Does the solution leave it?")
