"""The unit by which systemd starts the server.

What isn't switched on breaks labs: they inherit a filter of system calls, of addresses or of
namespaces, and `sudo` in a lab stops working under NoNewPrivileges.
"""

from __future__ import annotations

from pathlib import Path

from runtime.rights import CAPABILITIES, WELCOME

NAME = "slipway.service"
# Beside what labs need; used once, as it starts, and given away with the rest (rights.py).
_AT_THE_START = {
    "NET_BIND_SERVICE": "the ports 80 and 443",
    "SYSLOG": "the kernel's log, which says whose program was ended for memory",
}
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))

_TEXT = """\
# Written by `slipway install`; `slipway uninstall` takes it away.
[Unit]
Description=Slipway, hands-on workshops in real Linux containers
Documentation={documentation}
Wants=network-online.target
After=network-online.target nss-lookup.target
StartLimitIntervalSec=120
StartLimitBurst=10

[Service]
Type=exec
ExecStart={launcher} serve --yes --no-greeting
SyslogIdentifier=slipway
Restart=on-failure
RestartSec=2
TimeoutStopSec=90
# Labs live in a unit of their own and outlive this one; its processes end with the first of them.
KillMode=process
UMask=0022
# crun 1.8 lifts it for its filter of devices, and without SYS_RESOURCE it may not.
LimitMEMLOCK=infinity

# The file system is read-only but for what is the server's.
ProtectSystem=strict
ReadWritePaths={writable}
PrivateTmp=yes
ProtectHome={home}
ProtectKernelModules=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet={capabilities}
# Not on, because labs inherit it or need what it hides: NoNewPrivileges, RestrictNamespaces,
# RestrictAddressFamilies, SystemCallFilter, PrivateDevices, ProtectClock (which hides devices),
# ProtectKernelLogs, ProtectKernelTunables, ProtectHostname, ProtectControlGroups; RestrictRealtime
# would let a flood of one terminal go before the keys of another.

[Install]
WantedBy=multi-user.target
"""


def text(top: Path, data: Path) -> str:
    """The unit for a checkout and a data folder."""
    in_home = any(top.is_relative_to(home) or data.is_relative_to(home) for home in _HOMES)
    return _TEXT.format(
        documentation=(top / "docs/operating.md").as_uri().replace("%", "%%"),
        launcher=_word(top / "slipway").replace("$", "$$"),  # a command line knows variables
        writable=" ".join(map(_word, (data, Path("/run"), top))),
        home="read-only" if in_home else "yes",
        capabilities=" ".join(
            f"CAP_{name}" for name in sorted({*CAPABILITIES, *WELCOME, *_AT_THE_START})
        ),
    )


def names(unit: str, data: Path) -> bool:
    """Whether a unit is of the server that keeps its data there."""
    return f"ReadWritePaths={_word(data)} " in unit


def _word(path: Path) -> str:
    """A path as systemd reads it back: quoted, and no specifier in it."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("%", "%%") + '"'
