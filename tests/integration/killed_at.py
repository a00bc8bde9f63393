"""A runtime that ends itself, as by kill -9, at the stage of a lab's life that a file names.

    python -m tests.integration.killed_at FILE serve --data …

Each stage is a call that life.py makes; the process dies right after it (`after NAME`), or just
before (`before NAME`). Nothing in the product knows of this.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.__main__ import main
from runtime.container import bundle, rootfs
from runtime.container.crun import Crun
from runtime.kernel import namespaces, spawn
from runtime.labs import life, state
from runtime.limits import disk, ids
from runtime.limits.disk import Disks
from runtime.network.router import Router
from runtime.terminals import Terminals

if TYPE_CHECKING:
    from collections.abc import Callable

STAGES: dict[str, tuple[Any, str]] = {
    "ids": (ids, "claim"),
    "record": (state, "save"),
    "namespaces": (namespaces, "make_pair"),
    "link": (Router, "attach"),
    "disk": (Disks, "mount"),
    "loop": (disk, "_copy_data"),
    "root": (rootfs, "mount"),
    "description": (bundle, "write"),
    "container": (Crun, "run"),
    "unmounting": (disk, "unmount"),
    "limits": (life, "confirm_limits"),
    "shell": (Crun, "open_shell"),
    "terminal": (Terminals, "open"),
    "hanging-up": (Terminals, "close_lab"),
    "killing": (life, "_end_container"),
    "unlinking": (Router, "detach"),
    "removing": (spawn, "remove"),
    "releasing": (ids, "release"),
}


def deadly(function: Callable[..., Any], name: str, order: Path) -> Callable[..., Any]:
    """The same function, after or before which the process is gone when `order` says so."""

    @functools.wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        die_if(f"before {name}", order)
        result = function(*args, **kwargs)
        die_if(f"after {name}", order)
        return result

    return run


def die_if(moment: str, order: Path) -> None:
    """End this process if that is the moment that was ordered."""
    if order.exists() and order.read_text() == moment:
        order.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    order_path = Path(sys.argv.pop(1))
    for stage, (owner, attribute) in STAGES.items():
        setattr(owner, attribute, deadly(getattr(owner, attribute), stage, order_path))
    main()
