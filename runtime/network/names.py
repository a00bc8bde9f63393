"""Names for labs with internet: a relay between the router and the host's own resolvers.

A lab asks 169.254.1.1, always; the relay asks whoever /etc/resolv.conf on the host names at that
moment, so labs follow a laptop from one network to the next, and a resolver that listens on the
host's loopback alone (systemd-resolved, dnsmasq) serves them too. It is the only door of the host
to a lab: what comes in by it is a question, passed on as it is, and what goes back is the answer
of the resolver that was asked. A lab with a list (lists.py) has its question read first.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from runtime.network.resolvers import resolvers

if TYPE_CHECKING:
    from runtime.network.lists import Lists
    from runtime.network.side import Side

log = structlog.get_logger()

PORT = 53
_HEADER_BYTES = 12
_IS_ANSWER = 0x80
_SERVFAIL = b"\x81\x82"
_PACKET_BYTES = 64 * 1024
# A resolver that says nothing for so long is passed over for the next one.
_PATIENCE_S = 2.0
_TRIES = 3
_OF_ONE_LAB = 32
_OF_ALL = 512
_TALKS = 32
_TALKS_OF_ONE = 4


class _Question:
    """One packet of a lab's on its way, and who is asked just now.

    It goes under a number of ours: whoever would answer in the resolver's place has to guess that,
    the lab that asked among them.
    """

    def __init__(self, packet: bytes, question: bytes, asker: tuple[str, int]) -> None:
        self.packet = packet
        self.question = _numbered(question)
        self.asker = asker
        self.tries = 0
        self.upstream: socket.socket | None = None
        self.until = 0.0


class Names:
    """The relay; one thread for all labs.

    Args:
        router: where labs ask.
        host: where resolvers are asked.
        lists: which names labs may ask for.
    """

    def __init__(self, router: Side, host: Side, lists: Lists) -> None:
        self._host = host
        self._lists = lists
        # The daemon has no right of its own to low ports; in this namespace nobody else listens.
        router.set_sysctl("ipv4/ip_unprivileged_port_start", str(PORT))
        self._datagrams = router.listening(socket.SOCK_DGRAM, PORT)
        self._connections = router.listening(socket.SOCK_STREAM, PORT)
        self._waiting: Counter[str] = Counter()
        self._questions: set[_Question] = set()
        self._talking: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._datagrams, selectors.EVENT_READ, self._on_question)
        self._selector.register(self._connections, selectors.EVENT_READ, self._on_connection)
        self._stop_fd = os.eventfd(0, os.EFD_CLOEXEC)
        self._selector.register(self._stop_fd, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; questions that are on their way are dropped."""
        os.eventfd_write(self._stop_fd, 1)
        self._thread.join()
        for question in list(self._questions):
            self._forget(question)
        self._datagrams.close()
        self._connections.close()
        self._selector.close()
        os.close(self._stop_fd)

    def _run(self) -> None:
        while True:
            ready = self._selector.select(0.2 if self._questions else None)
            for key, _ in ready:
                if key.fd == self._stop_fd:
                    return
                try:
                    key.data()
                except Exception:
                    log.exception("names.failed")
            self._look_at_clock()

    def _look_at_clock(self) -> None:
        now = time.monotonic()
        for question in [each for each in self._questions if each.until <= now]:
            self._ask(question)

    def _is_full(self, address: str) -> bool:
        return len(self._questions) >= _OF_ALL or self._waiting[address] >= _OF_ONE_LAB

    def _on_question(self) -> None:
        with suppress(BlockingIOError):
            packet, asker = self._datagrams.recvfrom(_PACKET_BYTES)
            is_question = len(packet) >= _HEADER_BYTES and not packet[2] & _IS_ANSWER
            if is_question and not self._is_full(asker[0]):
                ruling = self._lists.judge(asker[0], packet)
                if ruling.answer:
                    self._datagrams.sendto(ruling.answer, asker)
                    return
                question = _Question(packet, ruling.question, asker)
                self._questions.add(question)
                self._waiting[asker[0]] += 1
                self._ask(question)

    def _ask(self, question: _Question) -> None:
        """Ask the next resolver; when each had its turn, say that none answered."""
        self._hang_up(question)
        found = resolvers()
        if not found or question.tries >= _TRIES:
            self._answer(question, question.packet[:2] + _SERVFAIL + question.packet[4:])
            return
        address = found[question.tries % len(found)]
        question.tries += 1
        question.until = time.monotonic() + _PATIENCE_S
        try:
            question.upstream = self._host.netns.run(_towards, address, socket.SOCK_DGRAM)
            question.upstream.send(question.question)
        except OSError:  # no way there: the next one's turn comes with the clock
            question.until = 0.0
            return
        self._selector.register(
            question.upstream, selectors.EVENT_READ, lambda: self._on_answer(question)
        )

    def _on_answer(self, question: _Question) -> None:
        if question.upstream is None:
            return
        try:
            packet = question.upstream.recv(_PACKET_BYTES)
        except OSError:  # nobody listens there
            question.until = 0.0
            return
        is_ours = packet[:2] == question.question[:2]
        if is_ours and self._lists.learn(question.asker[0], question.question, packet):
            self._answer(question, question.packet[:2] + packet[2:])

    def _answer(self, question: _Question, packet: bytes) -> None:
        with suppress(OSError):
            self._datagrams.sendto(packet, question.asker)
        self._forget(question)

    def _forget(self, question: _Question) -> None:
        self._hang_up(question)
        self._questions.discard(question)
        self._leave(question.asker[0])

    def _hang_up(self, question: _Question) -> None:
        if question.upstream is not None:
            with suppress(KeyError):
                self._selector.unregister(question.upstream)
            question.upstream.close()
            question.upstream = None

    def _leave(self, address: str) -> None:
        self._waiting[address] -= 1
        if self._waiting[address] <= 0:
            del self._waiting[address]

    def _on_connection(self) -> None:
        """A question too long for one packet: rare, so it gets a thread of its own."""
        try:
            lab, (address, _) = self._connections.accept()
        except OSError:
            return
        with self._lock:
            is_full = self._talking.total() >= _TALKS or self._talking[address] >= _TALKS_OF_ONE
            self._talking[address] += not is_full
        if is_full:
            lab.close()
        else:
            threading.Thread(target=self._talk, args=(lab, address), daemon=True).start()

    def _talk(self, lab: socket.socket, address: str) -> None:
        try:
            with lab:
                lab.settimeout(_PATIENCE_S)
                self._answer_long(lab, address, _read_long(lab))
        except OSError:  # it was silent, or hung up
            log.debug("names.hung_up")
        finally:
            with self._lock:
                self._talking[address] -= 1

    def _answer_long(self, lab: socket.socket, asker: str, packet: bytes) -> None:
        ruling = self._lists.judge(asker, packet)
        if ruling.answer:
            lab.sendall(_long(ruling.answer))
            return
        question = _numbered(ruling.question)
        for address in resolvers():
            with suppress(OSError):
                upstream = self._host.netns.run(_towards, address, socket.SOCK_STREAM)
                with upstream:
                    upstream.sendall(_long(question))
                    answer = _read_long(upstream)
                if self._lists.learn(asker, question, answer):
                    lab.sendall(_long(packet[:2] + answer[2:]))
                return


def _numbered(question: bytes) -> bytes:
    """A question under a number that nobody can guess."""
    return os.urandom(2) + question[2:]


def _long(message: bytes) -> bytes:
    """As it goes over a connection: its length before it."""
    return len(message).to_bytes(2, "big") + message


def _read_long(end: socket.socket) -> bytes:
    """One message, without the two bytes before it that tell its length."""
    with end.makefile("rb") as stream:
        head = stream.read(2)
        body = stream.read(int.from_bytes(head, "big"))
    if len(body) < max(_HEADER_BYTES, int.from_bytes(head, "big")):
        raise ConnectionResetError
    return body


def _towards(address: str, kind: int) -> socket.socket:
    """A socket in the host's namespace on which only one resolver is heard."""
    found: list[Any] = socket.getaddrinfo(
        address, PORT, type=kind, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    )
    family, _, _, _, target = found[0]
    upstream = socket.socket(family, kind)
    try:
        upstream.settimeout(_PATIENCE_S if kind == socket.SOCK_STREAM else 0)
        upstream.connect(target)
    except OSError:
        upstream.close()
        raise
    return upstream
