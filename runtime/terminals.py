"""Terminals: a pty, a ring and a shell, each opened once, kept by the keeper, read by a pump.

The runtime never reads a stream. A terminal is three descriptors: the pty's master, a memfd in
which the pump numbers the output (its layout is the pump's), and a pidfd that tells when the shell
is over.
"""

from __future__ import annotations

import fcntl
import os
import select
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import structlog

from runtime.container.console import Size, set_size
from runtime.problems import Problem
from runtime.pump_link import Message, PumpLinks, has_ended, message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runtime.container.crun import Shell
    from runtime.deposits import Deposits
    from runtime.events import Events

log = structlog.get_logger()

RING_HEADER_BYTES = 4096
RING_BYTES = RING_HEADER_BYTES + 512 * 1024
NAMES = "12345678"
CONSOLE = "m"  # a machine's, which is opened and closed with it
_PREFIX = "terminal:"


@dataclass
class Terminal:
    """One terminal, as the wire shows it.

    Attributes:
        terminal: `LAB.NAME`.
        pid: the shell's process, as the server sees it.
        ended: whether its shell is over; what it printed can still be read.
    """

    terminal: str
    pid: int
    ended: bool = False

    @property
    def lab(self) -> str:
        """The lab it is in."""
        return self.terminal.partition(".")[0]

    @property
    def name(self) -> str:
        """Its name within the lab."""
        return self.terminal.partition(".")[2]

    def as_dict(self) -> dict[str, Any]:
        """What crosses a socket."""
        return asdict(self)


class Terminals:
    """Every terminal of this instance; safe from any thread.

    Args:
        deposits: keeps the descriptors, here and with the keeper.
        events: hears `shell.ended`.
        open_shell: starts a login shell in a lab: its id, rows, columns.
        pumps: how many of them carry the terminals.
    """

    def __init__(
        self,
        deposits: Deposits,
        events: Events,
        open_shell: Callable[[str, int, int], Shell],
        *,
        pumps: int = 1,
    ) -> None:
        self._deposits = deposits
        self._events = events
        self._open_shell = open_shell
        self._terminals: dict[str, Terminal] = {}
        self._opening: set[str] = set()
        self._changed = threading.Condition()
        self._shells = select.epoll()
        self._by_pidfd: dict[int, Terminal] = {}
        self.pumps = PumpLinks(deposits, pumps, self._all_news)
        threading.Thread(target=self._watch_shells, daemon=True).start()

    def open(self, lab: str, name: str | None, rows: int, cols: int) -> Terminal:
        """A shell in a lab; the same name gives the same one while it lives.

        Args:
            lab: a lab that is ready.
            name: `1` to `8`; None for the first that is free.
            rows: the size of its screen.
            cols: likewise.

        Raises:
            Problem: `terminals-used-up`, or whatever starting the shell raises.
        """
        for old in self.of(lab):
            if old.ended and name in {None, old.name}:
                self.close(old.terminal)
        with self._changed:
            terminal = self._reserve(lab, name)
            if terminal in self._terminals:
                return self._terminals[terminal]
        try:
            return self._begin(terminal, self._open_shell(lab, rows, cols))
        finally:
            with self._changed:
                self._opening.discard(terminal)
                self._changed.notify_all()

    def open_console(self, lab: str, console: Shell) -> Terminal:
        """A machine's console; whoever looked at the one before sees this one now.

        Args:
            lab: whose machine.
            console: the near side of its pty, which is ours now, and qemu's pid.
        """
        terminal = f"{lab}.{CONSOLE}"
        with self._changed:
            if old := self._terminals.pop(terminal, None):
                self._unwatch(old)
        return self._begin(terminal, console)

    def resize(self, lab: str, name: str, rows: int, cols: int) -> None:
        """Give a terminal another size; its program hears SIGWINCH."""
        set_size(self._descriptors(f"{lab}.{name}")[0], Size(rows, cols))

    def close(self, terminal: str) -> None:
        """Hang a terminal up; done already is done."""
        with self._changed:
            gone = self._terminals.pop(terminal, None)
            if gone:
                self._unwatch(gone)
        if gone:
            self.pumps.post({"type": "gone", "terminal": terminal})
            self._deposits.drop(_PREFIX + terminal)

    def close_lab(self, lab: str) -> None:
        """Hang up every terminal of a lab that ends, and let go of all its descriptors."""
        for terminal in self.of(lab):
            self.close(terminal.terminal)
        self.close(f"{lab}.{CONSOLE}")

    def of(self, lab: str) -> list[Terminal]:
        """The terminals of a lab, by name; a machine's console isn't among them."""
        with self._changed:
            found = [
                terminal
                for terminal in self._terminals.values()
                if terminal.lab == lab and terminal.name != CONSOLE
            ]
        return sorted(found, key=lambda terminal: terminal.name)

    def stream(self, terminal: str) -> int:
        """A copy of the pty's master, for the caller to close; reading it steals from the pump."""
        return os.dup(self._descriptors(terminal)[0])

    def notice(self, lab: str, lines: Sequence[str]) -> None:
        """Put lines into the output of each terminal of a lab, yellow and marked as ours."""
        text = "".join(f"\r\n\x1b[33m── slipway: {line}\x1b[0m" for line in lines) + "\r\n"
        for terminal in self.of(lab):
            if not terminal.ended:
                body = {"type": "notice", "terminal": terminal.terminal, "text": text}
                self.pumps.post(body)

    def adopt(self) -> set[str]:
        """Go on with what the keeper held while no runtime ran; the labs it belongs to."""
        for name in self._deposits.names(_PREFIX):
            deposit = self._deposits.find(name)
            if deposit is None or len(deposit.fds) != 3:
                self._deposits.drop(name)
                continue
            terminal = Terminal(name.removeprefix(_PREFIX), deposit.note["pid"])
            terminal.ended = has_ended(deposit.fds[2], 0)
            self._add(terminal, deposit.fds[2])
        return {terminal.lab for terminal in self._terminals.values()}

    def _reserve(self, lab: str, name: str | None) -> str:
        """Find the name and keep others off it while its shell starts; called under the lock."""
        terminal = f"{lab}.{name or self._free_name(lab)}"
        self._changed.wait_for(lambda: terminal not in self._opening)
        if terminal not in self._terminals:
            self._opening.add(terminal)
        return terminal

    def _free_name(self, lab: str) -> str:
        taken = self._terminals.keys() | self._opening
        for name in NAMES:
            if f"{lab}.{name}" not in taken:
                return name
        raise Problem(
            "terminals-used-up",
            f"This lab has {len(NAMES)} terminals already.",
            "Close one that you no longer need.",
            lab=lab,
        )

    def _begin(self, terminal: str, shell: Shell) -> Terminal:
        fds = [shell.stream_fd]
        try:
            fds.append(make_ring())
            fds.append(os.pidfd_open(shell.pid))
        except OSError as error:
            for fd in fds:
                os.close(fd)
            raise Problem(
                "terminal-failed", "The shell ended before it began.", "Open it again."
            ) from error
        self._deposits.put(_PREFIX + terminal, fds, {"pid": shell.pid})
        opened = Terminal(terminal, shell.pid)
        self._add(opened, fds[2])
        self.pumps.post(_opened(opened), fds[:2])
        log.info("terminal.opened", terminal=terminal, pid=shell.pid)
        return opened

    def _add(self, terminal: Terminal, pidfd: int) -> None:
        with self._changed:
            self._terminals[terminal.terminal] = terminal
            if not terminal.ended:
                self._by_pidfd[pidfd] = terminal
                self._shells.register(pidfd, select.EPOLLIN)

    def _unwatch(self, terminal: Terminal) -> None:
        for pidfd, watched in list(self._by_pidfd.items()):
            if watched is terminal:
                self._shells.unregister(pidfd)
                del self._by_pidfd[pidfd]

    def _watch_shells(self) -> None:
        while True:
            ready = self._shells.poll()
            with self._changed:
                ended = [self._by_pidfd[pidfd] for pidfd, _ in ready if pidfd in self._by_pidfd]
                for terminal in ended:
                    terminal.ended = True
                    self._unwatch(terminal)
            for terminal in ended:
                log.info("shell.ended", terminal=terminal.terminal)
                self.pumps.post({"type": "ended", "terminal": terminal.terminal})
                if terminal.name != CONSOLE:  # of that, `machine.changed` tells
                    self._events.tell("shell.ended", lab=terminal.lab, terminal=terminal.terminal)

    def _all_news(self, pump: str) -> list[Message]:
        with self._changed:
            terminals = [
                terminal
                for terminal in self._terminals.values()
                if self.pumps.carrier(terminal.terminal) == pump
            ]
            news = [
                message(_opened(terminal), self._descriptors(terminal.terminal)[:2])
                for terminal in terminals
            ]
        return news + [
            message({"type": "ended", "terminal": terminal.terminal})
            for terminal in terminals
            if terminal.ended
        ]

    def _descriptors(self, terminal: str) -> tuple[int, ...]:
        deposit = self._deposits.find(_PREFIX + terminal)
        if deposit is None:
            raise Problem(
                "terminal-unknown",
                f"There is no terminal {terminal}.",
                "Reload the page; its lab may have ended.",
                terminal=terminal,
            )
        return deposit.fds


def _opened(terminal: Terminal) -> dict[str, Any]:
    return {
        "type": "terminal",
        "terminal": terminal.terminal,
        "lab": terminal.lab,
        "pid": 0 if terminal.name == CONSOLE else terminal.pid,  # of the shell; qemu is none
    }


def make_ring() -> int:
    """Memory for the output that both pump and keeper hold; nobody can cut it off under them."""
    ring_fd = os.memfd_create("slipway-ring", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(ring_fd, RING_BYTES)
    fcntl.fcntl(
        ring_fd,
        fcntl.F_ADD_SEALS,
        fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL,
    )
    return ring_fd
