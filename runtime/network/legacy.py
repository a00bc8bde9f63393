"""Forward chains in iptables' older tables, where an administrator chose `iptables-legacy`.

The kernel asks them beside nft's, so what one of them drops is dropped. nft neither shows them nor
is told when they change: only their own program reads and writes them.
"""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

from runtime.kernel.spawn import ProgramFailed, run

# The program would make the tables when it only looks, so these lists are asked first.
_NAMES = {4: "ip_tables_names", 6: "ip6_tables_names"}
_PROGRAMS = {4: "iptables-legacy", 6: "ip6tables-legacy"}
_PATIENCE_S = "5"
_CHAIN = "FORWARD"
_REFUSING = ("DROP", "REJECT")


def versions() -> list[int]:
    """The IP versions that have such tables in the calling thread's namespace."""
    return [version for version in _NAMES if _has_filter(version)]


def name(version: int) -> str:
    """A chain's name for people."""
    return f"{_PROGRAMS[version]} {_CHAIN}"


def listed(version: int) -> list[str]:
    """The chain's policy and rules, as iptables(8) writes them.

    Raises:
        OSError: its program isn't installed, or may not read them.
    """
    return _run(version, "-S", _CHAIN).splitlines()


def refuses(lines: list[str]) -> bool:
    """Whether what no rule accepts is refused: by the policy, or by a last rule for everything."""
    policy, last = lines[0].split()[2], lines[-1].split()
    return policy in _REFUSING or (last[:3] == ["-A", _CHAIN, "-j"] and last[3] in _REFUSING)


def ours(lines: list[str], comment: str) -> list[str]:
    """The rules with a comment of ours."""
    return [line for line in lines if f'--comment "{comment}"' in line]


def let_through(version: int, uplink: str, comment: str) -> None:
    """Accept before all else what comes from labs and what goes to them.

    Raises:
        OSError: see `listed`.
    """
    for which in "-i", "-o":
        words = [which, uplink, "-m", "comment", "--comment", comment, "-j", "ACCEPT"]
        _run(version, "-I", _CHAIN, *words)


def take_back(version: int, rules: list[str]) -> None:
    """Remove rules, as `listed` has them.

    Raises:
        OSError: see `listed`.
    """
    for rule in rules:
        _run(version, "-D", *shlex.split(rule)[1:])


def _run(version: int, *words: str) -> str:
    try:
        return run([_PROGRAMS[version], "-w", _PATIENCE_S, *words]).stdout
    except FileNotFoundError as error:
        raise OSError(errno.ENOENT, "isn't installed", _PROGRAMS[version]) from error
    except ProgramFailed as error:
        raise OSError(errno.EPERM, str(error)) from error


def _has_filter(version: int) -> bool:
    try:
        names = Path("/proc/thread-self/net", _NAMES[version]).read_text()
    except OSError:  # a kernel without them, or an ordinary user
        return False
    return "filter" in names.split()
