"""A network namespace without a process in it: a descriptor, and one thread that lives there."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from runtime.kernel.syscalls import CLONE_NEWNET, setns, unshare

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_OWN = "/proc/thread-self/ns/net"


class NetworkNamespace:
    """Runs functions inside a network namespace, one at a time.

    A namespace belongs to a thread, not to a process, so entering one with a thread of its own
    leaves the rest of the daemon where it is. Sockets keep the namespace they were opened in.

    Attributes:
        fd: the namespace; closed by `close`.

    Args:
        fd: becomes this object's own, also when this raises.

    Raises:
        OSError: it isn't a network namespace, or we may not enter it.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._thread = ThreadPoolExecutor(1, "netns")
        try:
            self.run(setns, fd, CLONE_NEWNET)
        except OSError:
            self.close()
            raise

    @classmethod
    def create(cls) -> NetworkNamespace:
        """A new one, with nothing in it but `lo`, down."""
        with ThreadPoolExecutor(1, "netns-create") as maker:
            return cls(maker.submit(_unshared).result())

    @classmethod
    def current(cls) -> NetworkNamespace:
        """The one that the calling thread is in."""
        return cls(os.open(_OWN, os.O_RDONLY))

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` inside and wait for what it returns or raises. Thread-safe."""
        return self._thread.submit(function, *args, **kwargs).result()

    def close(self) -> None:
        """End the thread and let the descriptor go; the kernel removes it when it is unused."""
        self._thread.shutdown()
        os.close(self.fd)


def opened_in(fd: int, function: Callable[[], T]) -> T:
    """Call `function` in another namespace, then bring the calling thread back.

    For opening a socket in a namespace that is used once: a thread of its own would cost more.

    Args:
        fd: a network namespace; stays the caller's.
        function: what to do there, such as opening a socket.
    """
    own_fd = os.open(_OWN, os.O_RDONLY)
    try:
        setns(fd, CLONE_NEWNET)
        try:
            return function()
        finally:
            setns(own_fd, CLONE_NEWNET)
    finally:
        os.close(own_fd)


def _unshared() -> int:
    unshare(CLONE_NEWNET)
    return os.open(_OWN, os.O_RDONLY)
