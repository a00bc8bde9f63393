"""One network namespace per instance, between every lab and the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.instance import Instance


class Router:
    """The instance's router namespace, its uplink to the host, and a link for each lab.

    What is attached is read from the kernel, never from a file: a router that was adopted knows as much as the
    one that made it.

    Attributes:
        netns_fd: the router's namespace; the router's own. Deposit a copy with the keeper (`router`), and give
            what comes back to `adopt`.
    """

    netns_fd: int

    @classmethod
    def up(cls, instance: Instance) -> Router:
        """Make the namespace, the uplink and the walls; a leftover of an earlier life is removed first.

        Raises:
            Problem: `network-range-none`, `network-unavailable`.
        """
        raise NotImplementedError

    @classmethod
    def adopt(cls, instance: Instance, netns_fd: int) -> Router:
        """Go on with a namespace that the keeper held; its labs stay connected throughout.

        Args:
            instance: the one that made it.
            netns_fd: becomes the router's own, also when this raises.
        """
        raise NotImplementedError

    def attach(self, lab: str, netns_fd: int, *, internet: bool) -> str:
        """Connect a lab: `eth0`, address, default route and `lo` in its namespace. Thread-safe.

        Args:
            lab: its id, 8 hex digits.
            netns_fd: the lab's network namespace; stays the caller's.
            internet: whether it may leave the host.

        Returns:
            The lab's IPv4 address.

        Raises:
            Problem: `network-full` when the range is used up, `network-unavailable` with the kernel's error as
                its cause; nothing is left behind then.
        """
        raise NotImplementedError

    def detach(self, lab: str) -> None:
        """Take the lab's link and rights away; nothing happens for a lab that has none."""
        raise NotImplementedError

    def attached(self) -> dict[str, str]:
        """Lab id to address, as the kernel has it."""
        raise NotImplementedError

    def resolv_conf(self, *, internet: bool) -> str:
        """What a lab's /etc/resolv.conf holds: the host's real resolvers, or a comment where internet is off."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go without taking anything away: the keeper's copy keeps the namespace and its labs connected."""
        raise NotImplementedError

    def down(self) -> None:
        """Remove everything: links, rules, routes, tables, namespace (once the keeper has dropped its copy)."""
        raise NotImplementedError
