"""Probes of how browsers reach the server: its port, its address, and previews."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runtime import folders
from runtime.doctor.finding import Finding, advised
from runtime.reached import is_contained, is_everywhere, is_own, own_address, url

if TYPE_CHECKING:
    from runtime.instance import Instance

_RESOLVE_S = 2.0


def port(host: str, number: int, instance: Instance) -> Finding:
    """Tried by listening; a server of ours that runs holds it, and that is well."""
    where, said = f"{host}:{number}", ""
    our_host, our_number = _listening(instance) or ("", 0)
    is_ours = number == our_number and (host == our_host or is_everywhere(our_host))
    if not is_ours:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, number))
            except OSError as error:
                said = error.strerror or str(error)
    return advised(
        "port",
        good=not said,
        found=f"{where}: {said}" if said else f"{where} is {'this server' if is_ours else 'free'}",
        wanted="a port to listen on",
        fix="Another program has it, or the address isn't this machine's: "
        f"`ss -ltnp 'sport = :{number}'` shows who; or choose another with --port.",
    )


def address(public_url: str, host: str, number: int, instance: Instance) -> Finding:
    """What learners type: it leads to somewhere, and not to their own computers.

    Args:
        public_url: the setting; empty where it isn't set.
        host: where the server listens, or would; one that runs knows better.
        number: its port.
        instance: whose.
    """
    if public_url:
        return _named(public_url if "://" in public_url else f"http://{public_url}")
    host, number = _listening(instance) or (host, number)
    found = own_address() if is_everywhere(host) else host
    shown = url(found, number).removesuffix(":80")
    if not found or (is_everywhere(host) and is_contained()):
        return _asks_for("it listens everywhere, under an address that it can't know")
    if is_own(found):
        return _asks_for(f"{shown}, which only this machine reaches")
    return _judged(good=True, found=shown)


def _named(public_url: str) -> Finding:
    name = urlsplit(public_url).hostname or ""
    if not (leads := _resolved(name)):
        return _judged(
            good=False,
            found=f"{public_url}, a name that leads nowhere from here",
            fix=f"Let {name or public_url} lead to this server in your DNS, or mend public_url.",
        )
    if any(map(is_own, leads)) and is_own(name):
        return _asks_for(f"{public_url}, which leads everybody to their own computer")
    return _judged(good=True, found=f"{public_url} leads to {', '.join(leads)}")


def _asks_for(found: str) -> Finding:
    return _judged(
        good=False,
        found=found,
        fix='Alone that is well. For a class: host = "0.0.0.0" in /etc/slipway.toml (or --host), '
        "or a proxy in front; and public_url where there is a name.",
    )


def _judged(*, good: bool, found: str, fix: str = "") -> Finding:
    wanted = "an address that learners' computers reach"
    return advised("address", good=good, found=found, wanted=wanted, fix=fix)


def _listening(instance: Instance) -> tuple[str, int] | None:
    """Where a server of ours listens that runs."""
    return folders.address(instance) if folders.processes(instance) else None


def _resolved(name: str) -> list[str]:
    """Where a name leads; nowhere, too, while no resolver answers."""
    found: set[str] = set()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.update(str(each[4][0]) for each in answers)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_RESOLVE_S)
    return sorted(found)


def previews(port: int, url: str) -> Finding:
    """Services of learners' are shown under names of their own: cookies know no port.

    Args:
        port: where previews begin; 0 where there are none.
        url: below which they have names; empty where none is set.
    """
    where = f"under names below {url}" if url else f"on ports of this server, from {port} on"
    return advised(
        "preview-names",
        good=bool(url) or port == 0,
        found=f"previews are {where}" if port else "no previews",
        wanted="a host name for each, since nothing else keeps their cookies and Slipway's apart",
        fix="Let `*.preview.` before your server's name lead to it, and set preview_url: "
        "docs/operating.md, Web previews. Without it a class that you trust is well served.",
    )
