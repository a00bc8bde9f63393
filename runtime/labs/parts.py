"""What labs are made with, put together once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runtime.container import bundle
from runtime.image.shared import SharedStore
from runtime.kernel import namespaces
from runtime.limits import ids

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.container.crun import Crun
    from runtime.container.devices import Devices
    from runtime.container.lxcfs import Lxcfs
    from runtime.instance import Instance
    from runtime.kernel.forker import Forker
    from runtime.labs.making import Making
    from runtime.labs.state import Lab
    from runtime.limits.cgroup import Place
    from runtime.limits.disk import Disks
    from runtime.network.router import Router
    from runtime.registry.service import Registry
    from runtime.terminals import Terminals


@dataclass(frozen=True)
class Parts:
    """The rooms that a lab is made with; they don't know each other.

    Attributes:
        instance: whose labs these are.
        place: their cgroups.
        crun: starts their containers.
        router: connects them.
        terminals: their shells.
        forker: makes their namespaces.
        disks: makes what they write to.
        making: what is being made now.
        lxcfs: shows a container its own figures.
        devices: the nodes that some profiles give.
        registry: from which containers within labs come, and where learners keep theirs.
    """

    instance: Instance
    place: Place
    crun: Crun
    router: Router
    terminals: Terminals
    forker: Forker
    disks: Disks
    making: Making
    lxcfs: Lxcfs
    devices: Devices
    registry: Registry

    @cached_property
    def sets_ipc(self) -> bool:
        """Whether a lab's root may bound its own System V objects; asked of the kernel once."""
        return namespaces.may_set_ipc(self.forker, ids.FIRST_ID, bundle.MAPPED_IDS)

    @cached_property
    def store(self) -> SharedStore:
        """The images that containers within labs start from."""
        return SharedStore.of(self.instance)

    def folder(self, lab: Lab | str) -> Path:
        """Where a lab's files are."""
        return self.instance.labs_path / (lab if isinstance(lab, str) else lab.id)

    def root(self, lab: str) -> Path:
        """Where a lab's root is mounted while its container starts."""
        return self.instance.run_path / "roots" / lab

    def owner(self, lab: str) -> str:
        """The name under which a lab's ids are claimed."""
        return f"{self.instance.id}/{lab}"
