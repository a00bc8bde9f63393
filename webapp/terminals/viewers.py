"""Whoever looks at a terminal: a right that ends, and a place in the output.

A viewer keeps no queue. It is a cursor into the ring, so a slow one costs one frame of memory, and
one that the output has overtaken gets the screen instead of what it missed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runtime.client import SPARED_S, least_until
from webapp.terminals import messages
from webapp.terminals.bounds import FRAME_BYTES, INPUT_BYTES
from webapp.terminals.connection import Connection
from webapp.terminals.credit import Credit
from webapp.terminals.messages import Drawn, Input, Knock, Message, MessageError, Resize

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from webapp.terminals.grants import Grant
    from webapp.terminals.loop import Loop
    from webapp.terminals.messages import EndReason, Replay
    from webapp.terminals.terminal import Terminal


class Viewer:
    """One browser's terminal.

    Args:
        grant: what it may do.
        sock: its websocket after the handshake; owned from now on.
        loop: the pump's.
        on_gone: called once, with the viewer, when its connection is gone.
        page: the browser's own word for its terminal; empty where it has none.
    """

    __slots__ = (
        "_connection",
        "_credit",
        "_cursor",
        "_has_told_end",
        "_loop",
        "_on_gone",
        "_replay_end",
        "_terminal",
        "_waits_for",
        "grant",
        "is_ready",
        "page",
    )

    def __init__(
        self,
        grant: Grant,
        sock: socket.socket,
        loop: Loop,
        on_gone: Callable[[Viewer], None],
        page: str = "",
    ) -> None:
        self.grant = grant
        self.page = page
        self.is_ready = False
        self._loop = loop
        self._terminal: Terminal | None = None
        self._cursor = 0
        self._replay_end = 0
        self._credit = Credit(0)
        self._has_told_end = False
        self._waits_for: int | None = None
        self._on_gone = on_gone
        self._connection = Connection(
            sock, loop, on_message=self._take, on_drained=self.push, on_closed=self._gone
        )

    @property
    def is_open(self) -> bool:
        """Whether it still looks; one that was told goodbye doesn't."""
        return self._connection.is_open

    def attach(
        self, terminal: Terminal, after: int | None = None, epoch: int | None = None
    ) -> None:
        """Show `terminal`, from `after` on when that place is still in its ring."""
        self._terminal = terminal
        self._has_told_end = False
        ring = terminal.ring
        if epoch == ring.epoch and after is not None and ring.base <= after <= ring.head:
            self._begin("exact", b"", after)
        else:
            self._begin_again()

    def receive(self, early: bytes) -> None:
        """Take bytes that web had read from the socket before it handed it over."""
        if early:
            self._connection.receive(early)

    def push(self) -> None:
        """Send what there is and may be sent."""
        terminal = self._terminal
        if terminal is None:
            return
        ring = terminal.ring
        count = ring.head - self._cursor
        if (
            0 < count < messages.SHORT_BYTES
            and self.is_ready
            and not terminal.ended
            and self._cursor >= ring.base
            and count <= self._credit.room(self._cursor)
            and self._connection.takes_more
        ):  # a key's echo, by the shortest way
            self._connection.send(messages.echo(self._cursor, ring.slice(self._cursor, count)))
            self._cursor += count
            return
        while self._cursor != ring.head and self._connection.takes_more:
            room = self._credit.room(self._cursor)
            if room and self._cursor < ring.base:
                self._begin_again()
            count = min(ring.head - self._cursor, room, FRAME_BYTES)
            if count <= 0:
                break
            seq = self._cursor
            if count < messages.SHORT_BYTES:
                self._connection.send(messages.echo(seq, ring.slice(seq, count)))
            else:
                self._connection.send_large(messages.output(seq, count), *ring.look(seq, count))
            self._cursor += count
            if not self.is_ready:
                self._tell_ready()
        if terminal.ended and self._cursor == ring.head:
            self.tell_end(terminal.ended)

    def holds_back(self, head: int) -> bool:
        """Whether the stream must wait until this viewer has drawn more."""
        return self._credit.holds_back(head, self._loop.now) and self.is_open

    def send(self, frame: bytes) -> None:
        """Send a frame that isn't output."""
        self._connection.send(frame)

    def tell_end(self, reason: EndReason) -> None:
        """Say once that nothing more comes."""
        if not self._has_told_end:
            self._has_told_end = True
            self.send(messages.ended(reason))

    def end(self, reason: EndReason) -> None:
        """Take the terminal away for good."""
        self.tell_end(reason)
        self._connection.finish(1000)

    def send_away(self) -> None:
        """Close, so that the browser comes again and finds whoever serves the terminal now."""
        self._connection.finish(1012)

    def drop(self) -> None:
        """Close at once: nothing that comes from it counts any more."""
        self._connection.drop()

    def regrant(self, grant: Grant) -> None:
        """Let it do something else from now on, which its page is told by another hello."""
        is_other = grant.may != self.grant.may
        self.grant = grant
        if is_other and self._terminal and self._cursor >= self._terminal.ring.base:
            self._begin("exact", b"", self._cursor)
        elif is_other:
            self._begin_again()

    def spare(self, leap_s: float) -> None:
        """The clock was set forward, or the machine slept: web has time to say another end."""
        until = least_until(self.grant.until, leap_s, SPARED_S)
        self.grant = replace(self.grant, until=until)

    def tick(self, unix_now: float) -> None:
        """Once a second: a right that is over ends here, whatever web does."""
        if unix_now >= self.grant.until:
            self.end("until")
        else:
            self._connection.tick()

    def _begin_again(self) -> None:
        terminal = self._terminal
        if terminal is None:
            return
        preamble, seq = terminal.ring.restore()
        self._begin("screen" if preamble else "fresh", preamble, seq)
        if preamble:
            terminal.jiggle()

    def _begin(self, replay: Replay, preamble: bytes, seq: int) -> None:
        terminal = self._terminal
        if terminal is None:
            return
        self._cursor, self._replay_end, self.is_ready = seq, terminal.ring.head, False
        self._credit.restart(seq)
        rows, cols = terminal.size
        hello = messages.hello(
            terminal=terminal.name,
            epoch=terminal.ring.epoch,
            seq=seq,
            rows=rows,
            cols=cols,
            may=self.grant.may,
            replay=replay,
            preamble=preamble.decode("latin-1"),
        )
        self._connection.send(hello)
        if terminal.has_program is not None:
            self._connection.send(messages.front(has_program=terminal.has_program))
        self._tell_ready()

    def _tell_ready(self) -> None:
        if not self.is_ready and self._cursor >= self._replay_end:
            self.is_ready = True
            self._connection.send(messages.ready())

    def _take(self, payload: bytes) -> None:
        if self.is_ready and self._terminal and payload[:1] == messages.KEYS:
            may = self.grant.may
            if may == "type" and self._terminal.press(self, payload[1:]):
                return  # the shortest way
            if may != "watch" and 1 < len(payload) <= INPUT_BYTES:
                self._type(payload[1:])
                return
        try:
            self._obey(messages.parse(payload))
        except MessageError as error:
            self.refuse("terminal-message", str(error), "Reload the page.")

    def _obey(self, message: Message) -> None:
        terminal = self._terminal
        if isinstance(message, Knock):
            self.send(messages.here())
        elif terminal is None:
            return
        elif isinstance(message, Drawn):
            if not self._credit.acknowledge(message.seq, self._cursor):
                self.refuse("terminal-message", "The page drew what was never sent.", "Reload it.")
            self.push()
            terminal.listen()
        elif self.grant.may == "watch":
            if isinstance(message, Input) and messages.is_answer(message.data):
                return  # nobody typed; the answer of one who may is what the program gets
            terminal.cut_paste(self)  # refused, its page gives the rest up
            self.refuse("may-not-type", "You can watch this terminal, not type in it.")
        elif isinstance(message, Resize):
            if self.grant.may == "type":
                terminal.resize(self, message.rows, message.cols)
        elif self.is_ready or message.wants_word or message.data == messages.INTERRUPT:
            # During a replay the rest may be a terminal's answer to a query of long ago; these are
            # a person's: of a paste the next piece, and an end of what a flood overtook.
            self._type(message.data, wants_word=message.wants_word)

    def _type(self, data: bytes, *, wants_word: bool = False) -> None:
        terminal = self._terminal
        if terminal is None:
            return
        is_help = self.grant.may == "help"
        if is_help and messages.is_answer(data):
            return  # the learner's own terminal answers, too
        if wants_word:
            self._waits_for = terminal.typed_bytes + len(data)
        if not terminal.type(self, data, is_piece=wants_word, takes_size=not is_help):
            self._waits_for = None
            self.refuse(
                "input-full",
                "The program in this terminal doesn't read what is typed.",
                "What was pasted last is not sent. Ctrl C ends the program.",
            )

    def tell_taken(self, count: int) -> None:
        """Say that a piece of a paste is with the program, when all of it is."""
        if self._waits_for is not None and count >= self._waits_for:
            self._waits_for = None
            self.send(messages.taken())

    def refuse(self, code: str, sentence: str, hint: str = "") -> None:
        """Say by name what isn't done; the connection lives."""
        self.send(messages.problem(code, sentence, hint))

    def _gone(self) -> None:
        self._on_gone(self)
