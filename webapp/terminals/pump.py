"""The pump itself: which terminals there are, who looks at which, and who may say so."""

from __future__ import annotations

import os
import secrets
import socket
import stat
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from runtime.client import Client, Leaps, Problem
from webapp.terminals.control import Control, Handover, Refused, may_of, number, text, whole
from webapp.terminals.loop import IN, Loop
from webapp.terminals.pacing import Pacing
from webapp.terminals.recording import Recorder, Writer
from webapp.terminals.ring import Ring
from webapp.terminals.terminal import Terminal
from webapp.terminals.viewers import Viewer

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.client import Descriptors, Feed

WAIT_FOR_TERMINAL_S = 10.0
RECONNECT_S = 0.25
REFUSED_S = 5.0
MAX_VIEWERS = 4096

log = structlog.get_logger()


class Pump:
    """Terminals come from the runtime, viewers from web; both may go and come back at any time.

    Args:
        run_path: the instance's folder of sockets.
        allowed: the user ids that may use the control socket.
        name: under which the runtime hands streams to this pump, and of its folder.
        leaps: of the clock.
    """

    def __init__(
        self, run_path: Path, allowed: set[int], name: str = "pump", leaps: Leaps | None = None
    ) -> None:
        self.loop = Loop()
        self._leaps = leaps or Leaps(time.monotonic)
        self._owner = secrets.randbits(64)
        self._pacing = Pacing()
        self._writer = Writer()
        self._terminals: dict[str, Terminal] = {}
        self._viewers: dict[str, Viewer] = {}
        self._gone_bytes = [0, 0]  # typed into and printed by terminals that are no more
        self._expected: dict[str, list[tuple[Viewer, Handover]]] = {}
        self._client = Client(run_path / "runtime.sock")
        self._name = name
        self._feed: Feed | None = None
        self._control = Control(run_path / name / "control.sock", self.loop, allowed, self._answer)
        self.loop.later(0, self._register)
        self.loop.every(1.0, self._tick)

    # ---- the runtime's side

    def _register(self) -> None:
        try:
            self._feed = self._client.pump_register(self._name)
        except Problem:
            self.loop.later(RECONNECT_S, self._register)
            return
        self.loop.watch(self._feed.fileno(), IN, self._receive)

    def _receive(self, _events: int) -> None:
        feed = self._feed
        if feed is None:
            return
        pause_s = RECONNECT_S
        try:
            packet = feed.receive()
        except Problem as problem:
            log.warning("pump.refused", code=problem.code)
            packet, pause_s = None, REFUSED_S
        if packet is None:
            self.loop.forget(feed.fileno())
            feed.close()
            self._feed = None
            log.warning("runtime.lost")
            self.loop.later(pause_s, self._register)
            return
        with packet.descriptors:
            self._happened(packet.body, packet.descriptors)

    def _happened(self, event: dict[str, Any], descriptors: Descriptors) -> None:
        kind, name = event.get("type"), str(event.get("terminal", ""))
        terminal = self._terminals.get(name)
        if kind == "hello":
            self._forget_ended()
            log.info("runtime.met", terminals=len(self._terminals))
        elif kind == "terminal":
            self._take_terminal(name, int(event.get("pid") or 0), descriptors)
        elif terminal and kind == "gone":
            self._drop_terminal(terminal)
        elif terminal and kind == "ended":
            terminal.shell_ended()
        elif terminal and kind == "notice":
            terminal.say(str(event.get("text", "")))

    def _take_terminal(self, name: str, shell_pid: int, descriptors: Descriptors) -> None:
        stream_fd, ring_fd = list(descriptors)[:2] if len(descriptors) >= 2 else (-1, -1)
        known = self._terminals.get(name)
        if ring_fd < 0 or (known and known.is_in(ring_fd)):
            return
        try:
            ring = Ring(ring_fd, self._owner)
        except (OSError, ValueError):
            log.exception("ring.unusable", terminal=name)
            return
        stream_fd = os.dup(stream_fd)
        terminal = Terminal(name, stream_fd, ring, self.loop, self._pacing, shell_pid)
        self._terminals[name] = terminal
        log.info("terminal.taken", terminal=name, head=ring.head)
        for viewer in list(known.viewers) if known else []:
            terminal.attach(viewer, None, None)
        if known:
            known.viewers.clear()
            self._close(known)
        for viewer, handover in self._expected.pop(name, []):
            terminal.attach(viewer, handover.after, handover.epoch)

    def _drop_terminal(self, terminal: Terminal) -> None:
        del self._terminals[terminal.name]
        for viewer in list(terminal.viewers):
            viewer.end("lab")
        terminal.viewers.clear()
        self._close(terminal)
        log.info("terminal.dropped", terminal=terminal.name)

    def _close(self, terminal: Terminal) -> None:
        self._gone_bytes[0] += terminal.typed_bytes
        self._gone_bytes[1] += terminal.printed_bytes
        terminal.close()

    def _forget_ended(self) -> None:
        """A runtime that begins tells of every living terminal; the others need no memory."""
        for terminal in list(self._terminals.values()):
            if terminal.ended and not terminal.viewers:
                self._drop_terminal(terminal)

    # ---- the web's side

    def _answer(self, packet: dict[str, Any], fd: int) -> dict[str, Any]:
        op = packet.get("op")
        if op == "handover":
            return self._take_viewer(packet, fd)
        if op == "record":
            return self._record(packet, fd)
        if fd >= 0:
            os.close(fd)
        if op == "withdraw":
            return self._withdraw(packet)
        if op == "renew":
            return self._renew(packet)
        if op == "grants":
            return {"ok": {"grants": [vars(viewer.grant) for viewer in self._open_viewers()]}}
        if op == "activity":
            return {
                "ok": {"terminals": [terminal.activity() for terminal in self._terminals.values()]}
            }
        if op == "figures":
            return {"ok": self._figures()}
        if op == "glimpse":
            return self._glimpse(packet)
        raise Refused(
            "op is handover, withdraw, renew, record, glimpse, grants, activity or figures"
        )

    def _figures(self) -> dict[str, int]:
        """How much this pump carries, and has carried since it began."""
        terminals = self._terminals.values()
        return {
            "terminals": len(terminals),
            "viewers": len(self._open_viewers()),
            "typed_bytes": self._gone_bytes[0] + sum(each.typed_bytes for each in terminals),
            "printed_bytes": self._gone_bytes[1] + sum(each.printed_bytes for each in terminals),
        }

    def _take_viewer(self, packet: dict[str, Any], fd: int) -> dict[str, Any]:
        if fd < 0:
            raise Refused("handover needs the websocket's descriptor")
        try:
            sock = socket.socket(fileno=fd)
        except OSError:
            os.close(fd)
            raise Refused("the descriptor is not a socket") from None
        try:
            handover = Handover(packet, fd)
            self._check_free(handover)
        except Refused:
            sock.close()
            raise
        self._replace(handover)
        viewer = Viewer(handover.grant, sock, self.loop, self._viewer_gone, handover.page)
        self._viewers[handover.grant.viewer] = viewer
        self._show(viewer, handover)
        viewer.receive(handover.early)
        return {"ok": {}}

    def _check_free(self, handover: Handover) -> None:
        if handover.grant.viewer in self._viewers:
            raise Refused("this viewer is here already")
        if len(self._viewers) >= MAX_VIEWERS:
            raise Refused(f"the pump carries {MAX_VIEWERS} viewers and no more")

    def _replace(self, handover: Handover) -> None:
        """Close what the same page has given up, and its network may only now bring keys of."""
        grant, page = handover.grant, handover.page
        for viewer in list(self._viewers.values()) if page else []:
            known = viewer.grant
            if (viewer.page, known.person, known.terminal) == (page, grant.person, grant.terminal):
                viewer.drop()

    def _show(self, viewer: Viewer, handover: Handover) -> None:
        """Attach the viewer, or wait: web may hear of a lab a moment before the pump does."""
        name = handover.grant.terminal
        if name in self._terminals:
            self._terminals[name].attach(viewer, handover.after, handover.epoch)
            return
        self._expected.setdefault(name, []).append((viewer, handover))
        self.loop.later(WAIT_FOR_TERMINAL_S, lambda: self._give_up(name, viewer))

    def _give_up(self, name: str, viewer: Viewer) -> None:
        waiting = self._expected.get(name, [])
        self._expected[name] = [entry for entry in waiting if entry[0] is not viewer]
        if len(self._expected[name]) < len(waiting):
            viewer.end("lab")
        if not self._expected[name]:
            del self._expected[name]

    def _viewer_gone(self, viewer: Viewer) -> None:
        self._viewers.pop(viewer.grant.viewer, None)
        terminal = self._terminals.get(viewer.grant.terminal)
        if terminal:
            terminal.detach(viewer)
        for waiting in self._expected.values():
            waiting[:] = [entry for entry in waiting if entry[0] is not viewer]

    def _open_viewers(self) -> list[Viewer]:
        return [viewer for viewer in self._viewers.values() if viewer.is_open]

    def _withdraw(self, packet: dict[str, Any]) -> dict[str, Any]:
        by = next((name for name in ("viewer", "person", "terminal") if name in packet), None)
        if by is None:
            raise Refused("withdraw names a viewer, a person or a terminal")
        whom = text(packet, by)
        found = [viewer for viewer in self._open_viewers() if getattr(viewer.grant, by) == whom]
        for viewer in found:
            viewer.end("withdrawn")
        return {"ok": {"withdrawn": len(found)}}

    def _renew(self, packet: dict[str, Any]) -> dict[str, Any]:
        viewer = self._viewers.get(text(packet, "viewer"))
        if viewer:
            may = may_of(packet) if packet.get("may") else viewer.grant.may
            viewer.regrant(replace(viewer.grant, until=number(packet, "until"), may=may))
        return {"ok": {}}

    def _record(self, packet: dict[str, Any], fd: int) -> dict[str, Any]:
        is_file = fd >= 0 and stat.S_ISREG(os.fstat(fd).st_mode)
        terminal = self._terminals.get(str(packet.get("terminal")))
        began_at = packet.get("began_at")
        if terminal and is_file and isinstance(began_at, int | float):
            terminal.record(Recorder(fd, began_at, self._writer))
            return {"ok": {}}
        if fd >= 0:
            os.close(fd)
        raise Refused("record needs a terminal that is here, its beginning, and a file")

    def _glimpse(self, packet: dict[str, Any]) -> dict[str, Any]:
        terminal = self._terminals.get(text(packet, "terminal"))
        if terminal is None:
            raise Refused("this terminal isn't here")
        after, epoch = (whole(packet, name) for name in ("after", "epoch"))
        return {"ok": terminal.glimpse(after, epoch)}

    def _tick(self) -> None:
        unix_now = time.time()  # before the look: a leap after it is noticed before it counts
        leap_s = self._leaps.look()
        for viewer in list(self._viewers.values()):
            if leap_s > 0:
                viewer.spare(leap_s)
            viewer.tick(unix_now)
        for terminal in self._terminals.values():
            terminal.listen()  # a viewer that stalled holds nobody back any more
            terminal.look()  # a program that says nothing has begun or ended
