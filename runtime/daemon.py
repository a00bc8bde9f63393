"""The daemon's wiring: what stands on what, in the order in which it is built and taken down."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import structlog

from runtime import folders, log
from runtime.container.crun import Crun
from runtime.deposits import Deposits
from runtime.events import Events
from runtime.image.store import Store
from runtime.instance import Instance
from runtime.kernel.namespaces import own_mounts
from runtime.labs.house import Labs
from runtime.limits import cgroup, ids
from runtime.network.router import Router
from runtime.server import Server
from runtime.terminals import Terminals
from runtime.verbs import Verbs, Who

if TYPE_CHECKING:
    from runtime.settings import Settings

logger = structlog.get_logger()

IDLE_S = 1.0
_LOCK_PATIENCE_S = 10.0
_ROUTER = "router"


def serve(settings: Settings, *, until_idle: bool, end_labs: bool) -> None:
    """Make labs until SIGTERM, or until nobody asks for any.

    Args:
        settings: of this instance.
        until_idle: end when nobody has called for a while: for a command without a server.
        end_labs: on the way out end every lab, not only those of the pool.

    Raises:
        Problem: what keeps this machine from having labs.
    """
    log.start(settings.log_level)
    instance = Instance.at(settings.data)
    folders.make(instance)
    with ExitStack() as undo:
        supervised = folders.LOCK_VARIABLE in os.environ
        undo.callback(os.close, folders.lock(instance, _LOCK_PATIENCE_S))
        _raise_descriptor_limit()
        deposits = Deposits(instance)
        deposits.open()
        own_mounts()
        cgroup.leave_unified()
        living = _run(settings, instance, deposits, until_idle=until_idle, end_labs=end_labs)
        deposits.close(end_keeper=not living)
        if not living and not supervised:
            folders.remove_run(instance)


def _run(
    settings: Settings,
    instance: Instance,
    deposits: Deposits,
    *,
    until_idle: bool,
    end_labs: bool,
) -> int:
    events = Events()
    router = _open_router(instance, deposits)
    terminals = Terminals(deposits, events, Crun(instance).open_shell)
    terminals.adopt()
    images = Store(instance.images_path)
    labs = Labs(
        instance,
        images,
        router,
        terminals,
        events,
        max_labs=settings.max_labs,
        keeper_pid=deposits.unit_pid,
    )
    verbs = Verbs(settings, labs, terminals, events, images)
    base = ids.claim(folders.owner(instance))
    server = Server(instance.runtime_socket, verbs.table(), {Who.WEB: base, Who.PUMP: base + 1})
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    labs.adopt()
    events.tell("runtime.started")
    logger.info("runtime.started", instance=instance.id, labs=len(labs.all()))
    server.run(IDLE_S if until_idle else None)
    events.close()
    living = labs.stop(end_labs=end_labs)
    if living:
        router.close()
    else:
        deposits.drop(_ROUTER)
        router.down()
    logger.info("runtime.stopped", labs=living)
    return living


def _open_router(instance: Instance, deposits: Deposits) -> Router:
    """Go on with the router namespace that the keeper held, or make one."""
    if kept := deposits.find(_ROUTER):
        return Router.adopt(instance, os.dup(kept.fds[0]))
    router = Router.up(instance)
    deposits.put(_ROUTER, [os.dup(router.netns_fd)])
    return router


def _raise_descriptor_limit() -> None:
    """Three descriptors a terminal: the usual 1024 would end at some forty labs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
