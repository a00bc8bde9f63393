"""Probes of what `./slipway` installs: programs, a library, a file."""

from __future__ import annotations

import shutil

from runtime.container import lxcfs
from runtime.container.seccomp import MOBY_DEFAULTS
from runtime.doctor.finding import Finding, advised, judged
from runtime.kernel.netns import NetworkNamespace
from runtime.kernel.nftables import Nftables
from runtime.kernel.spawn import PATH, ProgramFailed, run
from runtime.registry.shelf import PROGRAM as REGISTRY

_INSTALL = "Run `./slipway serve`, which installs it, or `apt-get install {}`."

_FETCHERS = ("skopeo", "containers-storage")


def oci_runtime() -> Finding:
    """The program that starts containers; runc is tried where crun refuses."""
    said = _first_line("crun") or _first_line("runc")
    return judged(
        "oci-runtime",
        good=bool(said),
        found=said or "neither crun nor runc",
        wanted="crun, or runc",
        fix=_INSTALL.format("crun"),
    )


def init() -> Finding:
    """Process 1 of each lab: starts nothing, reaps what others leave."""
    return _program("catatonit", "catatonit")


def image_builder() -> Finding:
    """Makes the base image; without it, one can only be brought along."""
    path = shutil.which("mmdebstrap", path=PATH)
    return advised(
        "image-builder",
        good=bool(path),
        found=path or "no mmdebstrap",
        wanted="mmdebstrap, to build images",
        fix=_INSTALL.format("mmdebstrap"),
    )


def image_fetcher() -> Finding:
    """Brings images for containers within labs; labs themselves don't need it."""
    missing = [name for name in _FETCHERS if shutil.which(name, path=PATH) is None]
    return advised(
        "image-fetcher",
        good=not missing,
        found=f"no {' and no '.join(missing)}" if missing else " and ".join(_FETCHERS),
        wanted="skopeo and containers-storage, to fetch images and to remove them",
        fix=_INSTALL.format(" ".join(_FETCHERS)),
    )


def registry() -> Finding:
    """Mirrors what labs pull, and keeps what they push; without it they pull for themselves."""
    path = shutil.which(REGISTRY, path=PATH)
    return advised(
        "registry",
        good=bool(path),
        found=path or f"no {REGISTRY}",
        wanted=f"{REGISTRY}, for the workshop's registry",
        fix=_INSTALL.format(REGISTRY),
    )


def firewall() -> Finding:
    """Tried in a network namespace that is gone afterwards: the host's rules aren't touched."""
    try:
        _try_firewall()
        said = ""
    except OSError as error:
        said = str(error)
    return judged(
        "nftables",
        good=not said,
        found=said or "libnftables, and a kernel that takes our kinds of rule",
        wanted="libnftables.so.1 and nf_tables with fib, reject and nat",
        fix="Run `./slipway serve`, which installs nftables; then `modprobe nf_tables`.",
    )


def filter_() -> Finding:
    """Which system calls a lab may make: the list that Debian ships for docker."""
    path = next((path for path in MOBY_DEFAULTS if path.is_file()), None)
    return judged(
        "system-call-filter",
        good=path is not None,
        found=str(path) if path else "no list",
        wanted="moby's default list of system calls",
        fix="Run `./slipway serve`, which fetches it.",
    )


_TRIAL_RULES = """
table inet trial {
    set some { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
    chain early {
        type filter hook prerouting priority raw; policy drop;
        meta nfproto ipv4 fib saddr . iif oif exists accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ip daddr @some reject with icmpx type admin-prohibited
        meta l4proto tcp reject with tcp reset
    }
    chain masked {
        type nat hook postrouting priority srcnat;
        ip saddr @some masquerade
    }
}
"""


def _try_firewall() -> None:
    trial = NetworkNamespace.create()
    try:
        trial.run(lambda: Nftables().run(_TRIAL_RULES))
    finally:
        trial.close()


def _program(name: str, package: str) -> Finding:
    path = shutil.which(name, path=PATH)
    return judged(
        name,
        good=bool(path),
        found=path or "not installed",
        wanted=f"the program {name}",
        fix=_INSTALL.format(package),
    )


def _first_line(program: str) -> str:
    try:
        return run([program, "--version"], timeout_s=10).stdout.partition("\n")[0]
    except (OSError, ProgramFailed):
        return ""


def own_figures() -> Finding:
    """lxcfs, for workshops whose containers show figures of their own."""
    why = lxcfs.missing()
    return advised(
        "lxcfs",
        good=not why,
        found=why or "it can be started",
        wanted="lxcfs and /dev/fuse, for workshops in which `free` shows the container's memory",
        fix="Other workshops don't need it. `apt-get install lxcfs`, or start a container with "
        "`--device /dev/fuse`.",
    )
