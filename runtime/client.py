"""The door: all that the web, the pump and the command line know of the runtime.

Standard library only, and safe under eventlet's monkey patching.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any, NewType

from runtime.feed import Feed
from runtime.leaps import SPARED_S, Leaps, least_until, since_boot
from runtime.problems import Problem, away, disk_full
from runtime.protocol import PACKET_BYTES, Connection, Descriptors, Packet
from runtime.pumps import pump_names, pump_of
from runtime.reached import from_here, is_contained, is_own, own_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "PACKET_BYTES",
    "SPARED_S",
    "Client",
    "Descriptors",
    "Feed",
    "LabId",
    "Leaps",
    "Packet",
    "Problem",
    "away",
    "disk_full",
    "from_here",
    "is_contained",
    "is_own",
    "least_until",
    "own_address",
    "pump_names",
    "pump_of",
    "since_boot",
]

LabId = NewType("LabId", str)

ANSWER_TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 2.0
WELL_TIMEOUT_S = 3.0
"""A runtime that is well says so at once; one that hangs shouldn't hold up a page that asks."""
_PAGE = 50  # labs that a verb takes at once


class Client:
    """One method a verb; each call is a connection of its own, so a dead runtime harms one call.

    Every method raises `Problem`: the runtime's own, or `runtime-away` where it can't be reached.
    What the verbs take and answer is in docs/reference.md.

    Args:
        socket_path: the instance's runtime.sock.
        timeout_s: how long an answer may take.
    """

    def __init__(self, socket_path: Path | str, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._path = str(socket_path)
        self._timeout_s = timeout_s

    def status(self) -> dict[str, Any]:
        """Whether labs can be had, and how many more; asked by pages, so it waits 3 s at most."""
        with self._open("status", {}, timeout_s=WELL_TIMEOUT_S) as feed:
            return feed.result().body

    def server_figures(self) -> dict[str, Any]:
        """What the server's own processes take, and what room its machine has left."""
        return self._ask("server.figures")

    def server_doctor(self, older_than: float = 0.0) -> dict[str, Any]:
        """What doctor says of the machine, looked at after that time (unix seconds), and `at`."""
        return self._ask("server.doctor", older_than=older_than)

    def lab_create(
        self,
        *,
        key: str,
        image: str,
        until: float,
        profile: str = "plain",
        internet: bool = False,
        allowed: Sequence[str] | None = None,
        limits: Mapping[str, float] | None = None,
        own_figures: bool = False,
        in_machine: bool = False,
        rows: int = 24,
        cols: int = 80,
        replaces: str | None = None,
    ) -> dict[str, Any]:
        """A lab whose terminal `1` is at its prompt; the same key gives the same lab again.

        Unless that is the one which it `replaces`: then that ends, and nobody else gets its place.
        """
        return self._ask(
            "lab.create",
            key=key,
            image=image,
            profile=profile,
            internet=internet,
            allowed=None if allowed is None else list(allowed),
            limits=dict(limits or {}),
            own_figures=own_figures,
            in_machine=in_machine,
            until=until,
            rows=rows,
            cols=cols,
            replaces=replaces,
        )

    def lab_get(self, lab: str) -> dict[str, Any]:
        """One living lab; Problem `lab-unknown` where there is none."""
        return self._ask("lab.get", lab=lab)

    def lab_list(self) -> list[dict[str, Any]]:
        """Every living lab of this instance, pool labs left out."""
        labs = list((answer := self._ask("lab.list"))["labs"])
        while answer.get("more"):
            answer = self._ask("lab.list", after=labs[-1]["lab"])
            labs += answer["labs"]
        return labs

    def lab_remove(self, lab: str) -> None:
        """End a lab and all that is in it; done already is done."""
        self._ask("lab.remove", lab=lab)

    def lab_extend(self, lab: str, until: float) -> dict[str, Any]:
        """Let a lab live until another time (unix seconds)."""
        return self._ask("lab.extend", lab=lab, until=until)

    def lab_pause(self, lab: str, *, is_paused: bool) -> dict[str, Any]:
        """Let a lab stand still, its machine too, or go on."""
        return self._ask("lab.pause", lab=lab, is_paused=is_paused)

    def lab_allow(self, lab: str, names: Sequence[str]) -> None:
        """Let a lab that has a list of names reach these instead."""
        self._ask("lab.allow", lab=lab, allowed=list(names))

    def lab_warn(self, lab: str, *, idle_s: int, left_s: int) -> None:
        """Tell a lab's learner, in its terminals too, that it ends unless they use it."""
        self._ask("lab.warn", lab=lab, idle_s=idle_s, left_s=left_s)

    def lab_prepare(
        self,
        lab: str,
        script: str,
        timeout_s: float = 60,
        *,
        where: str = "container",
        told: Callable[[dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """Run commands as a lab's learner, to their end; `code` and `is_over`. Hears `done`."""
        args = {"lab": lab, "script": script, "timeout_s": timeout_s, "where": where}
        with self._open("lab.prepare", args, timeout_s=timeout_s + 30) as feed:
            return dict(feed.result(told).body)

    def lab_changes(self, lab: str, fd: int) -> None:
        """Have what a learner changed sent into a socket (a tar, by gzip); returns at its end."""
        with self._open("lab.changes", {"lab": lab}, (fd,), timeout_s=None) as feed:
            feed.result()

    def lab_put(self, lab: str, name: str, fd: int) -> int:
        """Put a file into a lab's `~/from-instructor`; 0, or the code that this ended with."""
        with self._open("lab.put", {"lab": lab, "name": name}, (fd,), timeout_s=90) as feed:
            return int(feed.result().body["code"])

    def lab_check(
        self,
        lab: str,
        script: str,
        facts: Mapping[str, Any] | None = None,
        timeout_s: float = 10,
        *,
        where: str = "container",
    ) -> dict[str, Any]:
        """Run a step's check on a lab or in its machine, from outside the learner's reach."""
        return self._ask(
            "lab.check",
            lab=lab,
            script=script,
            facts=dict(facts or {}),
            timeout_s=timeout_s,
            where=where,
        )

    def lab_processes(self, lab: str) -> list[dict[str, Any]]:
        """The lab's processes as the server sees them."""
        return list(self._ask("lab.processes", lab=lab)["processes"])

    def lab_usage(self, lab: str) -> dict[str, Any]:
        """What the lab spends now, and its limits."""
        return self._ask("lab.usage", lab=lab)

    def lab_views(
        self,
        *,
        usage: Sequence[str] = (),
        processes: Sequence[str] = (),
        plan: Sequence[str] = (),
    ) -> dict[str, dict[str, Any]]:
        """What is wanted of each of many labs, in one call; by its name, and by lab.

        Labs that have ended are left out, and what is too large for a packet.
        """
        labs = {"usage": usage, "processes": processes, "plan": plan}
        found: dict[str, dict[str, Any]] = {view: {} for view in labs}
        for first in range(0, max(map(len, labs.values())), _PAGE):
            page = {view: list(names[first : first + _PAGE]) for view, names in labs.items()}
            with self._open("lab.views", page) as feed:
                feed.result(lambda told: found[told["view"]].update({told["lab"]: told["found"]}))
        return found

    def meter_read(self, lab: str) -> dict[str, Any]:
        """What both halves of a lab cost now; a reading at most a second old."""
        return self._ask("meter.read", lab=lab)

    def meter_all(self, labs: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The same of many labs in one call, which costs a third; those that ended are left out."""
        found: dict[str, dict[str, Any]] = {}
        for first in range(0, len(labs), _PAGE):
            page = list(labs[first : first + _PAGE])
            found |= self._ask("meter.all", labs=page)["meters"]
        return found

    def meter_start(self, lab: str) -> dict[str, Any]:
        """Time one more container of a lab's shape from nothing to its prompt."""
        return self._ask("meter.start", lab=lab)

    def meter_isolation(self, lab: str) -> dict[str, Any]:
        """What root sees of the kernel in both halves."""
        return self._ask("meter.isolation", lab=lab)

    def work_start(self, lab: str, work: str) -> dict[str, Any]:
        """Put a work in line; `work.changed` events tell how it goes."""
        return self._ask("work.start", lab=lab, work=work)

    def work_stop(self, lab: str) -> None:
        """Stop a lab's work, or take it out of the line."""
        self._ask("work.stop", lab=lab)

    def plan_read(self, lab: str) -> dict[str, Any]:
        """A learner's slice of the server, and how many more would fit into it."""
        return self._ask("plan.read", lab=lab)

    def plan_more(self, lab: str, kind: str) -> dict[str, Any]:
        """Start one more machine or container; the plan says whether it was refused."""
        return self._ask("plan.more", lab=lab, kind=kind)

    def plan_less(self, lab: str) -> dict[str, Any]:
        """End all that `plan_more` has started."""
        return self._ask("plan.less", lab=lab)

    def lab_walls(self, lab: str) -> dict[str, Any]:
        """What the lab is made of: namespaces, limits, rights and network, as they are now."""
        return self._ask("lab.walls", lab=lab)

    def lab_dial(self, lab: str, port: int) -> int:
        """A connection to a service in a lab (preview and root only); the descriptor is ours.

        It may not be through yet: then it becomes writable when it is.

        Raises:
            Problem: `port-shut` where nothing listens, `lab-unknown`.
        """
        with self._open("lab.dial", {"lab": lab, "port": port}) as feed:
            answer = feed.result()
        if not answer.body["open"]:
            raise Problem(
                "port-shut",
                f"Nothing answers on port {port} of this container.",
                f"Start a service there, such as `python3 -m http.server {port}`.",
                port=port,
            )
        return answer.descriptors.take(0)

    def lab_engine(self, lab: str, what: str) -> list[dict[str, Any]]:
        """What the engine of a lab's learner says of its `containers` or `images`."""
        found: list[dict[str, Any]] = self._ask("lab.engine", lab=lab, what=what)[what]
        return found

    def lab_exec(
        self,
        lab: str,
        argv: Sequence[str],
        *,
        user: str = "root",
        tty: bool = False,
        fds: Sequence[int] = (0, 1, 2),
        where: str = "container",
    ) -> int:
        """Run a command in a lab on the caller's own descriptors; its exit code (root only)."""
        args = {"lab": lab, "argv": list(argv), "user": user, "tty": tty, "where": where}
        with self._open("lab.exec", args, fds, timeout_s=None) as feed:
            return int(feed.result().body["code"])

    def machine_boot(
        self, lab: str, how: str = "cold", *, rows: int = 24, cols: int = 80
    ) -> dict[str, Any]:
        """Boot a lab's machine when it is its turn; the one that lives already is given."""
        return self._ask("machine.boot", lab=lab, how=how, rows=rows, cols=cols)

    def machine_end(self, lab: str, *, force: bool = False) -> dict[str, Any]:
        """End a lab's machine: asked to, or by force."""
        return self._ask("machine.end", lab=lab, force=force)

    def terminal_open(
        self, lab: str, name: str | None = None, *, rows: int = 24, cols: int = 80
    ) -> dict[str, Any]:
        """A shell more in a lab; the same name gives the same shell while it lives."""
        return self._ask("terminal.open", lab=lab, name=name, rows=rows, cols=cols)

    def terminal_close(self, terminal: str) -> None:
        """Hang up a terminal; its shell ends."""
        self._ask("terminal.close", terminal=terminal)

    def terminal_stream(self, terminal: str) -> int:
        """A descriptor of the pty's master, for the caller to close (root only)."""
        with self._open("terminal.stream", {"terminal": terminal}) as feed:
            return feed.result().descriptors.take(0)

    def pool_want(self, shapes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Say which labs should stand ready; replaces what was wanted before."""
        args = {"shapes": [dict(shape) for shape in shapes]}
        with self._open("pool.want", args, timeout_s=WELL_TIMEOUT_S) as feed:
            return feed.result().body

    def image_list(self) -> list[dict[str, Any]]:
        """The images on this server."""
        return list(self.image_stock()["images"])

    def image_stock(self, needs: Sequence[str] = ()) -> dict[str, Any]:
        """The images on this server, those on their way, what all take, and which are needed."""
        return self._ask("image.list", needs=list(needs))

    def image_layers(self, name: str) -> list[dict[str, Any]]:
        """What each step of an image's build added."""
        return list(self._ask("image.layers", name=name)["layers"])

    def image_fetch(self, name: str, user: str = "", password: str = "") -> dict[str, Any]:
        """Begin to fetch an image for containers within labs; how it goes is told by events."""
        return dict(self._ask("image.fetch", name=name, user=user, password=password)["fetch"])

    def image_load(self, fd: int, name: str, called: str) -> dict[str, Any]:
        """Begin to take an image out of an archive; the descriptor stays the caller's."""
        with self._open("image.load", {"name": name, "called": called}, [fd]) as feed:
            return dict(feed.result().body["fetch"])

    def image_make(self, fd: int, name: str) -> dict[str, Any]:
        """Begin to build `localhost/NAME` from a tar file of its folder; it stays the caller's."""
        with self._open("image.make", {"name": name}, [fd]) as feed:
            return dict(feed.result().body["fetch"])

    def image_stop(self, name: str) -> None:
        """Give up a fetch."""
        self._ask("image.stop", name=name)

    def image_remove(self, name: str) -> int:
        """Remove an image of containers within labs; how many bytes that freed."""
        return int(self._ask("image.remove", name=name)["freed_bytes"])

    def image_sweep(self) -> int:
        """Remove what nothing can be made from any more; how many things went."""
        return int(self._ask("image.sweep")["removed"])

    def image_build(
        self, name: str, on_progress: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Build an image from lessons/images/ (root only); takes a minute."""
        with self._open("image.build", {"name": name}, timeout_s=None) as feed:
            return feed.result(on_progress).body

    def registry_who(self, address: str) -> dict[str, Any]:
        """The lab behind an address: its id, what its images' names begin with, what it may."""
        return self._ask("registry.who", address=address)

    def registry_names(self) -> list[str]:
        """The images that can be lent without asking a registry, as the usual one calls them."""
        return list(self._ask("registry.names")["names"])

    def registry_gone(self, names: Sequence[str]) -> list[str]:
        """Those of these names (up to 50) that belong to no living lab."""
        return list(self._ask("registry.gone", names=list(names))["gone"])

    def registry_lend(self, lab: str, name: str, reference: str, has: str) -> Feed:
        """An image's files for the mirror, as events with a descriptor each, the manifest last."""
        args = {"lab": lab, "name": name, "reference": reference, "has": has}
        return self._open("registry.lend", args)

    def events(self, cursor: int = 0) -> Iterator[dict[str, Any]]:
        """What happens, for ever, from the event after `cursor` on (0: from now)."""
        with self.follow(cursor) as feed:
            while packet := feed.receive():
                yield packet.body

    def follow(self, cursor: int = 0) -> Feed:
        """The same as a feed that can be closed, from another thread too."""
        return self._open("events", {"cursor": cursor}, timeout_s=None)

    def pump_register(self, pump: str) -> Feed:
        """Become the reader of every terminal of this instance; the feed brings them."""
        return self._open("pump.register", {"pump": pump}, timeout_s=None)

    def wait_ready(self, timeout_s: float) -> dict[str, Any]:
        """Wait until the runtime takes labs; its status.

        Raises:
            Problem: the last `runtime-away`, when the time is over.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                status = self.status()
                if status["ready"] or time.monotonic() > deadline:
                    return status
            except Problem as problem:
                if problem.code != "runtime-away" or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _ask(self, verb: str, **args: object) -> dict[str, Any]:
        with self._open(verb, args) as feed:
            return feed.result().body

    def _open(
        self,
        verb: str,
        args: Mapping[str, Any],
        fds: Sequence[int] = (),
        timeout_s: float | None = -1,
    ) -> Feed:
        connection = self._connect()
        try:
            connection.send({"verb": verb, "args": args}, fds)
        except OSError as error:
            connection.close()
            raise away("The connection to it broke.") from error
        except Problem:
            connection.close()
            raise
        return Feed(connection, self._timeout_s if timeout_s == -1 else timeout_s)

    def _connect(self) -> Connection:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            sock.settimeout(CONNECT_TIMEOUT_S)
            sock.connect(self._path)
            sock.settimeout(None)
        except OSError as error:
            sock.close()
            raise away("Nothing answers there.") from error
        return Connection(sock)
