"""Under which address learners reach this server: never localhost, never a container's own."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from runtime.client import is_contained, is_own, own_address


@dataclass(frozen=True)
class Address:
    """What goes on the projector.

    Attributes:
        url: without a slash at its end; empty when we don't know one that learners reach.
        note: for the instructor: where it comes from, or how to set it.
    """

    url: str
    note: str = ""

    @property
    def shown(self) -> str:
        """As learners type it: without `http://`."""
        return self.url.removeprefix("http://")

    def join_link(self, code: str) -> str:
        """The address that has the code filled in; empty where we know none."""
        return f"{self.url}/j/{code}" if self.url else ""


def find_address(public_url: str, asked_as: str, listens_on: str) -> Address:
    """The set address; else the one the instructor's own browser used; else this machine's.

    Args:
        public_url: the setting; wins where it is set.
        asked_as: scheme, host and port of the request that wants to know; empty on the command
            line.
        listens_on: `host:port` that the server is bound to.
    """
    if public_url:
        return Address(_with_scheme(public_url).rstrip("/"))
    if asked_as and _is_reachable(urlsplit(asked_as).hostname or ""):
        return Address(
            asked_as.rstrip("/"),
            "Your own browser came by this address. Set `SLIPWAY_PUBLIC_URL` to show another one.",
        )
    host, _, port = listens_on.rpartition(":")
    if is_own(host.strip("[]")):
        return Address(
            "",
            "This server listens to its own machine only. "
            "Let a class in: `./slipway serve --host 0.0.0.0`.",
        )
    own = own_address()
    if not own or is_contained():
        return Address(
            "",
            "Slipway can't see under which name learners reach it. "
            "Set it: `SLIPWAY_PUBLIC_URL=http://NAME ./slipway serve`.",
        )
    shown_port = "" if port == "80" else f":{port}"
    return Address(
        f"http://{own}{shown_port}",
        "Found on this machine; the setting `public_url` can name an easier one.",
    )


def _is_reachable(host: str) -> bool:
    return bool(host) and not is_own(host) and not (is_contained() and host == own_address())


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"
