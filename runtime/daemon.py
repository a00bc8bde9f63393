"""The daemon's wiring: what stands on what, in the order in which it is built and taken down."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import structlog

from runtime import folders, log, rights
from runtime.checkup import Checkup
from runtime.container.crun import Crun
from runtime.deposits import Deposits
from runtime.events import Events
from runtime.household import Household
from runtime.image import reference
from runtime.image.fetch import Fetcher
from runtime.image.fetches import Fetches
from runtime.image.shared import SharedStore
from runtime.image.store import Store
from runtime.instance import Instance
from runtime.kernel.namespaces import own_mounts
from runtime.kernel.orphans import Orphans
from runtime.labs import brought
from runtime.labs.builds import Builds
from runtime.labs.house import Labs
from runtime.labs.images import Images
from runtime.labs.state import recorded
from runtime.labs.verdicts import Verdicts
from runtime.limits import cgroup
from runtime.limits.amounts import Limits
from runtime.network.allowed import private_networks
from runtime.network.router import Router, Share
from runtime.registry.lending import Lending
from runtime.registry.service import Registry
from runtime.server import Server
from runtime.terminals import Terminals
from runtime.verbs import Verbs, Who

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.settings import Settings

logger = structlog.get_logger()

IDLE_S = 1.0
_LOCK_PATIENCE_S = 10.0
_ROUTER = "router"


class StopSignals:
    """SIGTERM and SIGINT, kept from the first moment: one that comes early isn't lost, nor deadly.

    What a start has begun is then finished and taken down in order, so that nothing stays behind.
    """

    def __init__(self) -> None:
        self._has_come = False
        self._stop: Callable[[], None] | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._come)

    def then(self, stop: Callable[[], None]) -> None:
        """Call `stop` when a signal comes, or now if one has."""
        self._stop = stop
        if self._has_come:
            stop()

    def _come(self, *_: object) -> None:
        self._has_come = True
        if self._stop:
            self._stop()


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
    os.umask(0o022)  # a lab's root walks through our folders, whatever the operator's shell says
    instance = Instance.at(settings.data)
    folders.make(instance)
    with ExitStack() as undo:
        if folders.LOCK_VARIABLE not in os.environ:  # else the supervisor cleans up after us
            undo.callback(_remove_run, instance)
        undo.callback(os.close, folders.lock(instance, _LOCK_PATIENCE_S))
        signals = StopSignals()
        Orphans().start()
        _raise_descriptor_limit()
        verdicts = Verdicts()
        undo.callback(verdicts.close)
        rights.keep_needed()
        deposits = Deposits(instance)
        deposits.open()
        undo.callback(_leave_keeper, instance, deposits)
        own_mounts()
        cgroup.leave_unified()
        share = Share(
            settings.lab_max_connections,
            settings.lab_max_mbit,
            private_networks(settings.lab_private_networks),
        )
        router = _open_router(instance, deposits, share)
        undo.callback(_leave_router, instance, deposits, router)
        events = Events()
        registry = Registry(
            instance, router, settings.registry_quota_bytes, settings.mirror_max_bytes
        )
        undo.callback(registry.close)
        labs, server, fetches = _build(
            settings, instance, deposits, router, events, verdicts, registry
        )
        labs.adopt()
        signals.then(server.stop)
        events.tell("runtime.started")
        logger.info("runtime.started", instance=instance.id, labs=len(labs.all()))
        server.run(IDLE_S if until_idle else None)
        fetches.close()
        events.close()
        logger.info("runtime.stopped", labs=labs.stop(end_labs=end_labs))


def _build(
    settings: Settings,
    instance: Instance,
    deposits: Deposits,
    router: Router,
    events: Events,
    verdicts: Verdicts,
    registry: Registry,
) -> tuple[Labs, Server, Fetches]:
    terminals = Terminals(deposits, events, Crun(instance).open_shell, pumps=settings.pumps)
    terminals.adopt()
    images = Store(instance.images_path)
    store = SharedStore.of(instance)
    fetcher = Fetcher(store, instance.fetches_path, settings.images_max_bytes)
    labs = Labs(
        instance,
        images,
        router,
        terminals,
        events,
        deposits,
        verdicts,
        registry,
        max_labs=settings.max_labs,
        slice_bytes=settings.slice_memory_bytes,
        reserve_percent=settings.reserve_percent,
        keeper_pid=deposits.unit_pid,
    )
    stock = Images(images, store, fetcher, partial(recorded, instance.labs_path))
    mirror = reference.read_mirror(settings.registry_mirror)
    fetches = Fetches(fetcher, mirror, lambda fetch: events.tell("image.changed", image=fetch))
    lending = Lending(
        store,
        instance.fetches_path,
        mirror,
        settings.mirror_max_bytes,
        brought=lambda: brought.stores_of_all(images),
    )
    most = most_of_a_lab(settings)
    builds = Builds(labs, images, fetcher, mirror, most, settings.lab_max_hours * 3600)
    household = Household(instance, lambda: deposits.keeper_pid)
    verbs = Verbs(
        settings,
        most,
        labs,
        terminals,
        events,
        images,
        stock,
        fetches,
        builds,
        lending,
        household,
        Checkup(instance),
    )
    uids = folders.uids(instance)
    callers = {
        Who.WEB: uids.web,
        Who.PUMP: uids.pump,
        Who.PREVIEW: uids.preview,
        Who.REGISTRY: uids.registry,
    }
    return labs, Server(instance.runtime_socket, verbs.table(), callers), fetches


def most_of_a_lab(settings: Settings) -> Limits:
    """What the operator lets one lab have."""
    return Limits(
        memory_bytes=settings.lab_max_memory_bytes,
        pids=settings.lab_max_pids,
        cpu_cores=settings.lab_max_cpu_cores,
        disk_bytes=settings.lab_max_disk_bytes,
        inodes=settings.lab_max_inodes,
    )


def _has_labs(instance: Instance) -> bool:
    """Whether a lab lives on: then keeper and router namespace must, however we end."""
    return instance.labs_path.is_dir() and any(instance.labs_path.iterdir())


def _leave_router(instance: Instance, deposits: Deposits, router: Router) -> None:
    if _has_labs(instance):
        router.close()
    else:
        deposits.drop(_ROUTER)
        router.down()


def _leave_keeper(instance: Instance, deposits: Deposits) -> None:
    deposits.close(end_keeper=not _has_labs(instance))


def _remove_run(instance: Instance) -> None:
    if not _has_labs(instance):
        folders.remove_run(instance)


def _open_router(instance: Instance, deposits: Deposits, share: Share) -> Router:
    """Go on with the router namespace that the keeper held, or make one."""
    if kept := deposits.find(_ROUTER):
        return Router.adopt(instance, os.dup(kept.fds[0]), share=share)
    router = Router.up(instance, share=share)
    deposits.put(_ROUTER, [os.dup(router.netns_fd)])
    return router


def _raise_descriptor_limit() -> None:
    """Three descriptors a terminal: the usual 1024 would end at some forty labs."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
