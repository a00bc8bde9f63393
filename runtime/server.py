"""The daemon's socket: who calls, which verb, and an answer whatever happens. Knows no lab."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import structlog

from runtime.problems import Problem, disk_full
from runtime.protocol import Args, Call, CallerGone, Connection, Packet, Peer, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runtime.verbs import Verb, Who

log = structlog.get_logger()

# Connections at once of web and of the pumps; root's are not counted, so that none of the others
# can keep the operator out.
SHARE = 256
STRANGERS_SHARE = 16
SILENCE_S = 60
FIRST_CALLER_S = 10.0
_TICK_MS = 500


class Server:
    """Accepts callers and gives each a thread, until stopped.

    Args:
        socket_path: where to listen; a socket that is left there by a dead daemon is replaced.
        verbs: what may be asked, by name.
        uids: the user ids that count as web and as pump, besides root.
    """

    def __init__(
        self, socket_path: Path, verbs: Mapping[str, Verb], uids: Mapping[Who, int]
    ) -> None:
        self._path = socket_path
        self._verbs = verbs
        self._uids = uids
        self._callers: dict[Connection, threading.Thread] = {}
        self._taken: Counter[int | None] = Counter()
        self._lock = threading.Lock()
        self._idle_since = 0.0
        self._wake_read, self._wake_write = os.pipe()

    def run(self, idle_s: float | None = None) -> None:
        """Serve until `stop`, or until nobody has called for `idle_s` seconds.

        The first caller is waited for: whoever started us may be slow, as we may have been.
        """
        with self._listen() as listener:
            with self._lock:
                self._idle_since = time.monotonic() + FIRST_CALLER_S
            poll = select.poll()
            poll.register(listener, select.POLLIN)
            poll.register(self._wake_read, select.POLLIN)
            while idle_s is None or not self._is_idle(idle_s):
                ready = {fd for fd, _ in poll.poll(_TICK_MS)}
                if self._wake_read in ready:
                    break
                if listener.fileno() in ready:
                    self._accept(listener)
        self._path.unlink(missing_ok=True)
        self._dismiss()

    def stop(self) -> None:
        """Make `run` return; safe from a signal handler."""
        os.write(self._wake_write, b"x")

    def _listen(self) -> socket.socket:
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(self._path))
        # Anybody may knock; who is answered is decided by uid, for each verb.
        self._path.chmod(0o666)
        listener.listen(1024)
        return listener

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError as error:  # no descriptor is free: whoever holds one will let go of it
            log.warning("caller.not_accepted", error=str(error))
            time.sleep(_TICK_MS / 1000)
            return
        for option, seconds in ((socket.SO_SNDTIMEO, 30), (socket.SO_RCVTIMEO, SILENCE_S)):
            sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", seconds, 0))
        connection = Connection(sock)
        peer = connection.peer()
        if not self._begin(connection, peer):
            log.warning("caller.refused", uid=peer.uid, pid=peer.pid)
            connection.close()

    def _begin(self, connection: Connection, peer: Peer) -> bool:
        """Give a caller a thread, unless those of its kind have their share already."""
        kind = peer.uid if peer.uid in {0, *self._uids.values()} else None
        thread = threading.Thread(target=self._serve, args=(connection, peer, kind), daemon=True)
        with self._lock:
            if kind != 0 and self._taken[kind] >= (SHARE if kind else STRANGERS_SHARE):
                return False
            try:
                thread.start()  # it can't end before the lock is free
            except RuntimeError:  # the machine has no thread left
                return False
            self._callers[connection] = thread
            self._taken[kind] += 1
            return True

    def _serve(self, connection: Connection, peer: Peer, kind: int | None) -> None:
        """One caller's thread: nothing it sends may end more than its own connection."""
        try:
            self._converse(connection, peer)
        except (OSError, CallerGone):  # it hung up, or was silent for too long
            log.debug("caller.gone")
        except Exception:
            log.exception("caller.failed")
        finally:
            with self._lock:
                del self._callers[connection]
                self._taken[kind] -= 1
                self._idle_since = time.monotonic()
            connection.close()

    def _converse(self, connection: Connection, peer: Peer) -> None:
        while True:
            try:
                packet = connection.receive()
                if packet is None:
                    return
                with packet.descriptors:
                    self._answer(connection, peer, packet)
            except Problem as problem:
                log.warning("packet.refused", code=problem.code, uid=peer.uid, pid=peer.pid)
                connection.send({"problem": problem.as_dict()})

    def _answer(self, connection: Connection, peer: Peer, packet: Packet) -> None:
        args = Args(packet.body).mapping("args", default={})
        call = Call(connection, peer, Args(args), packet.descriptors)
        try:
            connection.send(self._reply(call, packet.body), call.given)
        finally:
            for fd in call.given:
                os.close(fd)

    def _reply(self, call: Call, body: dict[str, Any]) -> dict[str, Any]:
        name = str(body.get("verb"))[:40]
        try:
            verb = self._allowed(name, call.peer)
            call.args.only(verb.args)
            return {"ok": verb.run(call)}
        except Problem as problem:
            log.info("call.refused", verb=name, code=problem.code)
            return {"problem": problem.as_dict()}
        except CallerGone:
            raise
        except Exception as error:
            log.exception("call.failed", verb=name)
            is_full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
            return {"problem": (disk_full() if is_full else _broken()).as_dict()}

    def _allowed(self, name: str, peer: Peer) -> Verb:
        verb = self._verbs.get(name)
        if verb is None:
            raise bad_request(f"There is no verb “{name}”.")
        if peer.uid not in {0, self._uids.get(verb.who)}:
            log.warning("call.forbidden", verb=name, uid=peer.uid, pid=peer.pid)
            raise Problem(
                "not-allowed",
                f"User id {peer.uid} may not ask for “{name}”.",
                f"It is for {verb.who.value} only.",
            )
        return verb

    def _is_idle(self, idle_s: float) -> bool:
        with self._lock:
            return not self._callers and time.monotonic() - self._idle_since > idle_s

    def _dismiss(self) -> None:
        """Hang up on everybody and wait until their threads have noticed."""
        with self._lock:
            callers = dict(self._callers)
        for connection, thread in callers.items():
            connection.shutdown()
            thread.join(5)


def _broken() -> Problem:
    return Problem(
        "runtime-failed",
        "The part of this server that runs the labs met an error of its own.",
        "Nothing of yours is lost; try again. The operator finds the details in the log.",
    )
