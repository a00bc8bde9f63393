"""The process of the workshop's registry: shut in before it hears anybody, and without a network.

The daemon starts it (registry/service.py) and holds the other end of its standard input, so that
it ends with the daemon.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

from runtime import confine, folders, log, rows
from runtime.client import Client
from runtime.confine import Confinement
from runtime.instance import Instance
from runtime.kernel import syscalls
from runtime.registry.front import Front
from runtime.registry.housekeeping import Housekeeping
from runtime.registry.mirror import Mirror
from runtime.registry.quota import Quota
from runtime.registry.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runtime.settings import Settings

_LEND_S = 3600.0


def as_registry(
    settings: Settings, listen_fds: Sequence[int], quota_bytes: int, mirror_bytes: int
) -> None:
    """Be it, until standard input ends.

    Args:
        settings: of this instance.
        listen_fds: the listening sockets that labs reach.
        quota_bytes: what each lab may push.
        mirror_bytes: what the mirror may keep.
    """
    log.start(settings.log_level)
    instance = Instance.at(settings.data)
    own = _shut_in(instance)
    pushed, kept = Shelf(own / "pushed"), Shelf(own / "mirror")
    processes = [pushed.start(), kept.start()]
    runtime = Client(instance.runtime_socket)
    quota = Quota(pushed, own, quota_bytes)
    house = Housekeeping(pushed, quota, runtime, processes)
    threading.Thread(target=house.run, name="housekeeping", daemon=True).start()
    threading.Thread(target=_end_with_daemon, name="end", daemon=True).start()
    mirror = Mirror(kept, Client(instance.runtime_socket, _LEND_S), mirror_bytes)
    listeners = [socket.socket(fileno=fd) for fd in listen_fds]
    fronts = [Front(listener, runtime, mirror, pushed, quota) for listener in listeners]
    for front in fronts[1:]:
        threading.Thread(target=front.serve_forever, name="front", daemon=True).start()
    fronts[0].serve_forever()


def _shut_in(instance: Instance) -> Path:
    """Give everything away but one folder; where that is seen."""
    own = instance.run_path / "registry"
    own.mkdir(exist_ok=True)
    instance.registry_path.mkdir(exist_ok=True)
    uid = folders.uids(instance).registry
    rows.give(instance.registry_path, uid)
    os.umask(0o077)
    syscalls.unshare(syscalls.CLONE_NEWNET)
    binds = {own: instance.registry_path}
    confine.enter(Confinement(uid, binds, frozenset(binds), (instance.data_path,)))
    os.chdir(own)
    return own


def _end_with_daemon() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)
