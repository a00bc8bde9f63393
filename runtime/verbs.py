"""All that may be asked of the runtime, on one page: this is the wall.

A row a verb: who may call it, which arguments it knows, and the function that checks each of them
and then calls one other. No path, image name or limit from outside is trusted: names are looked
up, limits are capped by the settings. What they answer is in docs/reference.md.
"""

from __future__ import annotations

import enum
import os
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.arguments import IMAGE, SHAPE, allowed_names, cols, file_of, rows, shape_of, socket_of
from runtime.container import lxcfs
from runtime.image import reference
from runtime.image.build import Builder
from runtime.image.refusals import printable
from runtime.image.skopeo import Access
from runtime.labs import building, dialling, guests, nested
from runtime.labs.checks import LONGEST_S
from runtime.labs.compare.plan import KINDS
from runtime.labs.compare.works import UNITS
from runtime.labs.living import FILE_NAME, FILE_NAME_MOST, PREPARE_LONGEST_S
from runtime.labs.state import LabId, Order
from runtime.problems import Problem
from runtime.protocol import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.checkup import Checkup
    from runtime.events import Events
    from runtime.household import Household
    from runtime.image.fetches import Fetches
    from runtime.image.store import Store
    from runtime.labs.builds import Builds
    from runtime.labs.house import Labs
    from runtime.labs.images import Images
    from runtime.labs.state import Lab
    from runtime.limits.amounts import Limits
    from runtime.machine.record import How
    from runtime.protocol import Args, Call
    from runtime.registry.lending import Lending
    from runtime.settings import Settings
    from runtime.terminals import Terminals

VERSION = "0.1"
LAB = r"[0-9a-f]{8}"
NO_LAB = "0" * 8  # before every other
IMAGES_MOST = 150  # so that they fit, too
LIST_PAGE = 50  # with eight terminals each they fit into a packet
TERMINAL = LAB + r"\.[1-8]"
CONSOLE = LAB + r"\.m"
ADDRESS = r"[0-9.]{7,15}"
KEY = r"[a-z0-9-]{1,64}"
WHERE = r"container|machine"
PUMP = r"[a-z0-9-]{1,32}"


class Who(enum.Enum):
    """Who may ask, besides root."""

    WEB = "the web"
    PUMP = "the pump"
    PREVIEW = "the preview"
    REGISTRY = "the registry"
    ROOT = "root"


class Verb(NamedTuple):
    """One row: who may call, the arguments there are, and what is done."""

    who: Who
    args: tuple[str, ...]
    run: Callable[[Call], dict[str, Any]]


@dataclass
class Verbs:
    """The rows, and what stands behind them.

    Attributes:
        most: what one lab may have.
    """

    settings: Settings
    most: Limits
    labs: Labs
    terminals: Terminals
    events: Events
    images: Store
    stock: Images
    fetches: Fetches
    builds: Builds
    lending: Lending
    household: Household
    checkup: Checkup

    def table(self) -> dict[str, Verb]:
        """Every verb by name."""
        web, pump, preview, root = Who.WEB, Who.PUMP, Who.PREVIEW, Who.ROOT
        registry = Who.REGISTRY
        size = ("rows", "cols")
        return {
            "status": Verb(web, (), self._status),
            "server.figures": Verb(web, (), lambda _call: self.household.as_dict()),
            "server.doctor": Verb(web, ("older_than",), self._server_doctor),
            "lab.create": Verb(web, ("key", *SHAPE, "until", *size, "replaces"), self._lab_create),
            "lab.get": Verb(web, ("lab",), self._lab_get),
            "lab.list": Verb(web, ("after",), self._lab_list),
            "lab.remove": Verb(web, ("lab",), self._lab_remove),
            "lab.extend": Verb(web, ("lab", "until"), self._lab_extend),
            "lab.pause": Verb(web, ("lab", "is_paused"), self._lab_pause),
            "lab.allow": Verb(web, ("lab", "allowed"), self._lab_allow),
            "lab.warn": Verb(web, ("lab", "idle_s", "left_s"), self._lab_warn),
            "lab.prepare": Verb(web, ("lab", "script", "timeout_s", "where"), self._lab_prepare),
            "lab.changes": Verb(web, ("lab",), self._lab_changes),
            "lab.put": Verb(web, ("lab", "name"), self._lab_put),
            "lab.check": Verb(
                web, ("lab", "script", "facts", "timeout_s", "where"), self._lab_check
            ),
            "lab.processes": Verb(web, ("lab",), self._lab_processes),
            "lab.usage": Verb(web, ("lab",), self._lab_usage),
            "lab.views": Verb(web, ("usage", "processes", "plan"), self._lab_views),
            "meter.read": Verb(web, ("lab",), self._meter_read),
            "meter.all": Verb(web, ("labs",), self._meter_all),
            "meter.start": Verb(web, ("lab",), self._meter_start),
            "meter.isolation": Verb(web, ("lab",), self._meter_isolation),
            "work.start": Verb(web, ("lab", "work"), self._work_start),
            "work.stop": Verb(web, ("lab",), self._work_stop),
            "plan.read": Verb(web, ("lab",), self._plan_read),
            "plan.more": Verb(web, ("lab", "kind"), self._plan_more),
            "plan.less": Verb(web, ("lab",), self._plan_less),
            "lab.walls": Verb(web, ("lab",), self._lab_walls),
            "lab.dial": Verb(preview, ("lab", "port"), self._lab_dial),
            "lab.engine": Verb(web, ("lab", "what"), self._lab_engine),
            "lab.exec": Verb(root, ("lab", "argv", "user", "tty", "where"), self._lab_exec),
            "machine.boot": Verb(web, ("lab", "how", *size), self._machine_boot),
            "machine.end": Verb(web, ("lab", "force"), self._machine_end),
            "terminal.open": Verb(web, ("lab", "name", *size), self._terminal_open),
            "terminal.close": Verb(web, ("terminal",), self._terminal_close),
            "terminal.stream": Verb(root, ("terminal",), self._terminal_stream),
            "pool.want": Verb(web, ("shapes",), self._pool_want),
            "image.list": Verb(web, ("needs",), self._image_list),
            "image.layers": Verb(web, ("name",), self._image_layers),
            "image.fetch": Verb(web, ("name", "user", "password"), self._image_fetch),
            "image.load": Verb(web, ("name", "called"), self._image_load),
            "image.make": Verb(web, ("name",), self._image_make),
            "image.stop": Verb(web, ("name",), self._image_stop),
            "image.remove": Verb(web, ("name",), self._image_remove),
            "image.sweep": Verb(web, (), self._image_sweep),
            "image.build": Verb(root, ("name",), self._image_build),
            "registry.who": Verb(registry, ("address",), self._registry_who),
            "registry.names": Verb(registry, (), self._registry_names),
            "registry.gone": Verb(registry, ("names",), self._registry_gone),
            "registry.lend": Verb(
                registry, ("lab", "name", "reference", "has"), self._registry_lend
            ),
            "events": Verb(web, ("cursor",), self._events),
            "pump.register": Verb(pump, ("pump",), self._pump_register),
        }

    def _status(self, _call: Call) -> dict[str, Any]:
        return {
            "ready": self.labs.ready(),
            "version": VERSION,
            "labs": len(self._taken()),
            "max_labs": self.settings.max_labs,
            "images": [image.name for image in self.images.list()],
            "pool": self.labs.pool(),
            "own_figures": lxcfs.missing(),
            "warnings": [each.as_dict() for each in self.labs.warnings()],
        }

    def _server_doctor(self, call: Call) -> dict[str, Any]:
        older_than = call.args.number("older_than", low=0, high=1e12, default=0)
        return self.checkup.report(older_than=older_than)

    def _lab_create(self, call: Call) -> dict[str, Any]:
        args = call.args
        order = Order(
            key=args.text("key", longest=64, pattern=KEY),
            shape=shape_of(args, self.most),
            until=self._until(args),
            rows=rows(args),
            cols=cols(args),
            replaces=args.text("replaces", longest=8, pattern=LAB, default=NO_LAB),
        )
        return self.labs.create(order).as_dict()

    def _lab_get(self, call: Call) -> dict[str, Any]:
        return self.labs.get(_lab(call.args)).as_dict()

    def _lab_list(self, call: Call) -> dict[str, Any]:
        after = call.args.text("after", longest=8, pattern=LAB, default=NO_LAB)
        labs = sorted((lab for lab in self._taken() if lab.id > after), key=lambda lab: lab.id)
        return {"labs": [lab.as_dict() for lab in labs[:LIST_PAGE]], "more": len(labs) > LIST_PAGE}

    def _lab_remove(self, call: Call) -> dict[str, Any]:
        self.labs.remove(_lab(call.args))
        return {}

    def _lab_extend(self, call: Call) -> dict[str, Any]:
        return self.labs.extend(_lab(call.args), self._until(call.args)).as_dict()

    def _lab_pause(self, call: Call) -> dict[str, Any]:
        return self.labs.pause(_lab(call.args), is_paused=call.args.flag("is_paused")).as_dict()

    def _lab_allow(self, call: Call) -> dict[str, Any]:
        self.labs.allow(_lab(call.args), allowed_names(call.args))
        return {}

    def _lab_warn(self, call: Call) -> dict[str, Any]:
        idle_s = call.args.integer("idle_s", low=1, high=7 * 86400)
        left_s = call.args.integer("left_s", low=1, high=3600)
        self.labs.warn_idle(_lab(call.args), idle_s, left_s)
        return {}

    def _lab_prepare(self, call: Call) -> dict[str, Any]:
        script = call.args.text("script", longest=64 << 10)
        timeout_s = call.args.number("timeout_s", low=1, high=PREPARE_LONGEST_S, default=60)

        lab, in_machine = self._awake(call), _is_machine(call.args)
        return self.labs.living.prepare(
            lab, script, timeout_s, call.is_gone, tell=call.tell_done, in_machine=in_machine
        )

    def _lab_changes(self, call: Call) -> dict[str, Any]:
        with socket_of(call) as outlet:
            self.labs.living.pack_changes(self._awake(call), outlet, call.is_gone)
        return {}

    def _lab_put(self, call: Call) -> dict[str, Any]:
        name = call.args.text("name", longest=FILE_NAME_MOST, pattern=FILE_NAME)
        with os.fdopen(file_of(call), "rb") as file:
            return self.labs.living.put(self._awake(call), name, file.fileno(), call.is_gone)

    def _lab_check(self, call: Call) -> dict[str, Any]:
        return self.labs.living.check(
            self._awake(call),
            call.args.text("script", longest=64 << 10),
            call.args.mapping("facts", default={}),
            call.args.number("timeout_s", low=0.1, high=LONGEST_S, default=10),
            in_machine=_is_machine(call.args),
        )

    def _lab_processes(self, call: Call) -> dict[str, Any]:
        return {"processes": self.labs.living.processes(self._own(call))}

    def _lab_usage(self, call: Call) -> dict[str, Any]:
        return self.labs.living.usage(self._own(call))

    def _lab_views(self, call: Call) -> dict[str, Any]:
        living, plan = self.labs.living, self.labs.comparison.plan_glance
        looks = {"usage": living.usage, "processes": living.processes, "plan": plan}
        wanted = {view: call.args.texts(view, most=LIST_PAGE, longest=8) for view in looks}
        labs = {lab.id: lab for lab in self._taken()}
        for view, names in wanted.items():
            for lab in (labs[LabId(name)] for name in names if name in labs):
                with suppress(Problem, OSError):  # it ends meanwhile, or is too large for a packet
                    found = looks[view](lab)
                    if found is not None:
                        call.progress(view=view, lab=lab.id, found=found)
        return {}

    def _meter_read(self, call: Call) -> dict[str, Any]:
        return self.labs.comparison.read(self._own(call))

    def _meter_all(self, call: Call) -> dict[str, Any]:
        wanted = call.args.texts("labs", most=LIST_PAGE, longest=8)
        found = {lab.id: lab for lab in self._taken()}
        read = self.labs.comparison.read
        return {"meters": {name: read(found[LabId(name)]) for name in wanted if name in found}}

    def _meter_start(self, call: Call) -> dict[str, Any]:
        return self.labs.comparison.start(self._own(call))

    def _meter_isolation(self, call: Call) -> dict[str, Any]:
        return self.labs.comparison.isolation(self._awake(call))

    def _work_start(self, call: Call) -> dict[str, Any]:
        work = call.args.text("work", longest=16, pattern="|".join(UNITS))
        return self.labs.comparison.work_start(self._awake(call), work)

    def _work_stop(self, call: Call) -> dict[str, Any]:
        self.labs.comparison.work_stop(self._own(call))
        return {}

    def _plan_read(self, call: Call) -> dict[str, Any]:
        return self.labs.comparison.plan_read(self._own(call))

    def _plan_more(self, call: Call) -> dict[str, Any]:
        kind = call.args.text("kind", longest=16, pattern="|".join(KINDS))
        return self.labs.comparison.plan_more(
            self._own(call), "machine" if kind == "machine" else "container"
        )

    def _plan_less(self, call: Call) -> dict[str, Any]:
        return self.labs.comparison.plan_less(self._own(call))

    def _lab_walls(self, call: Call) -> dict[str, Any]:
        return self.labs.living.walls(self._own(call))

    def _lab_dial(self, call: Call) -> dict[str, Any]:
        port = call.args.integer("port", low=1, high=65535)
        fd = dialling.dial(self._own(call), port)
        if fd is not None:
            call.give(fd)
        return {"open": fd is not None}

    def _lab_engine(self, call: Call) -> dict[str, Any]:
        what = call.args.text("what", longest=16, pattern="|".join(nested.KINDS))
        return {what: self.labs.engines.ask(self._awake(call), what)}

    def _lab_exec(self, call: Call) -> dict[str, Any]:
        given = list(call.descriptors)
        if len(given) != 3:
            raise bad_request("“lab.exec” needs three descriptors: input, output and errors.")
        lab = self._awake(call)
        argv = call.args.texts("argv", most=256, longest=32 << 10)
        user = call.args.text("user", longest=32, pattern="root|learner", default="root")
        tty = call.args.flag("tty", default=False)
        fds = (given[0], given[1], given[2])
        if _is_machine(call.args):
            return {"code": self.labs.machines.execute(lab.id, argv, user, fds, call.is_gone)}
        code = self.labs.living.execute(lab, argv, user, tty=tty, fds=fds, is_gone=call.is_gone)
        return {"code": code}

    def _machine_boot(self, call: Call) -> dict[str, Any]:
        how = call.args.text("how", longest=8, pattern="cold|resumed", default="cold")
        lab = self._awake(call)
        way: How = "resumed" if how == "resumed" else "cold"
        return self.labs.machines.boot(lab, way, rows(call.args), cols(call.args))

    def _machine_end(self, call: Call) -> dict[str, Any]:
        lab = self._awake(call)
        return self.labs.machines.end(lab.id, force=call.args.flag("force", default=False))

    def _terminal_open(self, call: Call) -> dict[str, Any]:
        lab = self._awake(call)
        if lab.shape.in_machine:
            raise Problem(
                "machine-alone",
                "In this lab one works in its machine; its container has no shell.",
                "Use the machine's console.",
            )
        has_name = call.args.has("name")
        name = call.args.text("name", longest=1, pattern="[1-8]") if has_name else None
        return self.terminals.open(lab.id, name, rows(call.args), cols(call.args)).as_dict()

    def _terminal_close(self, call: Call) -> dict[str, Any]:
        self.terminals.close(call.args.text("terminal", longest=10, pattern=TERMINAL))
        return {}

    def _terminal_stream(self, call: Call) -> dict[str, Any]:
        terminal = call.args.text("terminal", longest=10, pattern=f"{TERMINAL}|{CONSOLE}")
        call.give(self.terminals.stream(terminal))
        return {"terminal": terminal}

    def _pool_want(self, call: Call) -> dict[str, Any]:
        wanted = []
        for entry in call.args.groups("shapes", most=16):
            entry.only((*SHAPE, "count"))
            count = entry.integer("count", low=0, high=16)
            wanted.append((shape_of(entry, self.most), count))
        return {"pool": self.labs.pool_want(wanted)}

    def _image_list(self, call: Call) -> dict[str, Any]:
        needs = call.args.texts("needs", most=200, longest=300) if call.args.has("needs") else []
        return {
            "needed": self.stock.needed(needs),
            "images": self.stock.rows()[:IMAGES_MOST],
            "fetches": self.fetches.all(),
            "store_bytes": self.stock.store_bytes(),
            "store_most_bytes": self.settings.images_max_bytes,
            "mirror": self.settings.registry_mirror,
        }

    def _image_layers(self, call: Call) -> dict[str, Any]:
        return {"layers": self.stock.layers(reference.read(call.args.text("name", longest=300)))}

    def _image_fetch(self, call: Call) -> dict[str, Any]:
        wanted = reference.read(call.args.text("name", longest=300))
        user = call.args.text("user", longest=200, default="")
        password = call.args.text("password", longest=4096, default="")
        return {"fetch": self.fetches.start(wanted, Access(user, password) if user else None)}

    def _image_load(self, call: Call) -> dict[str, Any]:
        name = call.args.text("name", longest=300, default="")
        called = call.args.text("called", longest=200)
        return {"fetch": self.fetches.load(file_of(call), name, printable(called))}

    def _image_make(self, call: Call) -> dict[str, Any]:
        """A Containerfile's own lines run in a lab, so whoever teaches may have any built."""
        name = call.args.text("name", longest=100, pattern=building.NAME)
        with ExitStack() as owned:
            context = owned.enter_context(os.fdopen(file_of(call), "rb"))
            kept = reference.read(f"localhost/{name}").name
            build = partial(self.builds.build, context, name)
            return {"fetch": self.fetches.begin(kept, build, owned)}

    def _image_stop(self, call: Call) -> dict[str, Any]:
        self.fetches.stop(call.args.text("name", longest=300))
        return {}

    def _image_remove(self, call: Call) -> dict[str, Any]:
        """Of the store only: what labs start from is the operator's to remove."""
        wanted = reference.read(call.args.text("name", longest=300))
        return {"freed_bytes": self.stock.remove_shared(wanted)}

    def _image_sweep(self, _call: Call) -> dict[str, Any]:
        self.fetches.forget()
        return {"removed": sum(self.stock.sweep())}

    def _image_build(self, call: Call) -> dict[str, Any]:
        name = call.args.text("name", longest=127, pattern=IMAGE)
        started = time.monotonic()
        Builder(self.images).build(name, lambda step, done: call.progress(step=step, percent=done))
        return {"name": name, "seconds": round(time.monotonic() - started, 1)}

    def _registry_who(self, call: Call) -> dict[str, Any]:
        return guests.who(self.labs.taken(), call.args.text("address", longest=15, pattern=ADDRESS))

    def _registry_names(self, _call: Call) -> dict[str, Any]:
        return {"names": self.lending.names()[:IMAGES_MOST]}

    def _registry_gone(self, call: Call) -> dict[str, Any]:
        names = call.args.texts("names", most=LIST_PAGE, longest=128)
        return {"gone": guests.gone(self.labs.taken(), names)}

    def _registry_lend(self, call: Call) -> dict[str, Any]:
        lab = self.labs.get(_lab(call.args))
        path = call.args.text("name", longest=255, pattern=reference.PATH)
        tag = call.args.text("reference", longest=128, pattern=reference.STATE)
        has = call.args.text("has", longest=71, pattern=f"({reference.DIGEST})?", default="")
        with self.lending.lent(path, tag, has, may_ask=guests.may_ask(lab)) as files:
            for each in files:
                with each.path.open("rb") as file:
                    told = {"digest": each.digest, "media_type": each.media_type}
                    call.event(told, [file.fileno()])
        return {}

    def _events(self, call: Call) -> dict[str, Any]:
        cursor = call.args.integer("cursor", low=0, high=1 << 62, default=0) or self.events.newest
        while not (call.is_gone() or self.events.closed):
            for event in self.events.after(cursor, timeout_s=0.3):
                call.event(event)
                cursor = event["seq"]
        return {"cursor": cursor}

    def _pump_register(self, call: Call) -> dict[str, Any]:
        self.terminals.pumps.serve(call, call.args.text("pump", longest=32, pattern=PUMP))
        return {}

    def _own(self, call: Call) -> Lab:
        """The lab that a call is about."""
        return self.labs.get(_lab(call.args))

    def _awake(self, call: Call) -> Lab:
        """The same, where something is to be done in it."""
        return self.labs.awake(_lab(call.args))

    def _taken(self) -> list[Lab]:
        """The labs that somebody has; those of the pool are nobody's yet."""
        return [lab for lab in self.labs.all() if lab.key is not None]

    def _until(self, args: Args) -> float:
        """When a lab ends, in unix seconds; capped, since web may be asleep or taken over."""
        now = time.time()
        return min(
            args.number("until", low=now, high=1e11),
            now + self.settings.lab_max_hours * 3600,
        )


def _lab(args: Args) -> LabId:
    return LabId(args.text("lab", longest=8, pattern=LAB))


def _is_machine(args: Args) -> bool:
    return args.text("where", longest=9, pattern=WHERE, default="container") == "machine"
