"""The runtime's settings, each declared once: a file, then the environment, then the flag.

The web declares its own beside its code; of them only the names are known here, since one file
holds both.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runtime.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG_PATH = Path("/etc/slipway.toml")
GIB = 1 << 30


class Setting(NamedTuple):
    """What there is to know of one setting; `low` and `high` bound a number."""

    name: str
    type: type
    default: Any
    unit: str
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return f"SLIPWAY_{self.name.upper()}"

    def read(self, raw: object, source: str) -> str | int | float | Path:
        """Turn what stands in a file, the environment or a flag into a value.

        Raises:
            Problem: `setting-wrong`, with the file and the key, or the variable, or the flag.
        """
        try:
            value = self._convert(raw)
        except (TypeError, ValueError) as error:
            raise self._wrong(raw, source) from error
        if isinstance(value, int | float) and not self._fits(value):
            raise self._wrong(raw, source)
        if self.choices and value not in self.choices:
            raise self._wrong(raw, source)
        return value

    def _convert(self, raw: object) -> str | int | float | Path:
        if isinstance(raw, bool) or not isinstance(raw, str | int | float | Path):
            raise TypeError
        if self.type is int and isinstance(raw, float):
            raise TypeError
        converted: str | int | float | Path = self.type(raw)
        return converted

    def _fits(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _wrong(self, raw: object, source: str) -> Problem:
        wanted = {int: "a whole number", float: "a number", Path: "a path"}.get(self.type, "a text")
        if self.choices:
            wanted = "one of " + ", ".join(self.choices)
        elif self.low is not None and self.high is not None:
            low, high = map(_written, (self.low, self.high))
            wanted += f" from {low} to {high}"
        return Problem(
            "setting-wrong",
            f"{source} must be {wanted}, not “{str(raw)[:60]}”.",
            f"It means: {self.help}",
            setting=self.name,
        )


def _written(number: float) -> str:
    """As one would type it: bytes in all their digits."""
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def _about(
    meaning: str,
    *,
    unit: str = "",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {"help": meaning, "unit": unit, "low": low, "high": high, "choices": choices}


@dataclass(frozen=True)
class Settings:
    """Every setting of the runtime, with its value."""

    data: Path = field(
        default=Path("/var/lib/slipway"),
        metadata=_about("The folder that holds all that is kept."),
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_about("The address to listen on; 0.0.0.0 lets a class in."),
    )
    port: int = field(
        default=8080,
        metadata=_about("The port to listen on; 0 takes any that is free.", low=0, high=65535),
    )
    public_url: str = field(
        default="",
        metadata=_about("What learners type, such as http://lab.school.example."),
    )
    preview_port: int = field(
        default=20100,
        metadata=_about(
            "The first port of web previews; the next free one where it is taken. 0 is none.",
            low=0,
            high=65535,
        ),
    )
    preview_ports: int = field(
        default=100,
        metadata=_about(
            "How many ports previews may take from there on: one for each service that is looked "
            "at, and one more.",
            unit="ports",
            low=2,
            high=10000,
        ),
    )
    preview_url: str = field(
        default="",
        metadata=_about(
            "Below which each web preview has a name, such as https://preview.school.example."
        ),
    )
    pumps: int = field(
        default=1,
        metadata=_about(
            "How many pumps carry the terminals, each its share of the labs; one carries 800, and "
            "more than one a core are of no use.",
            unit="pumps",
            low=1,
            high=64,
        ),
    )
    max_labs: int = field(
        default=40,
        metadata=_about("How many labs may live at once.", unit="labs", low=1, high=5000),
    )
    slice_memory_bytes: int = field(
        default=0,
        metadata=_about(
            "What each learner's planner counts with as “your server”; 0 is what labs may use of "
            "the server's memory, divided by max_labs, and a machine's worth at least.",
            unit="bytes",
            low=0,
            high=1024 * GIB,
        ),
    )
    lab_max_memory_bytes: int = field(
        default=2 * GIB,
        metadata=_about(
            "The most memory one lab may have.", unit="bytes", low=32 << 20, high=1024 * GIB
        ),
    )
    lab_max_pids: int = field(
        default=1024,
        metadata=_about(
            "The most processes one lab may have.", unit="processes", low=16, high=100_000
        ),
    )
    lab_max_cpu_cores: float = field(
        default=4.0,
        metadata=_about(
            "The most processor time one lab may have.", unit="cores", low=0.05, high=1024
        ),
    )
    lab_max_connections: int = field(
        default=512,
        metadata=_about(
            "The most connections to outside one lab may have at once.",
            unit="connections",
            low=16,
            high=65536,
        ),
    )
    lab_private_networks: str = field(
        default="",
        metadata=_about(
            "Private networks, such as 10.1.0.0/16, that names of a workshop's list may lead to; "
            "with commas between."
        ),
    )
    lab_max_mbit: int = field(
        default=100,
        metadata=_about(
            "The most one lab may send, and receive, in a second.", unit="Mbit", low=1, high=40000
        ),
    )
    lab_max_disk_bytes: int = field(
        default=20 * GIB,
        metadata=_about(
            "The most that one lab's files may take.", unit="bytes", low=32 << 20, high=1024 * GIB
        ),
    )
    lab_max_inodes: int = field(
        default=1 << 20,
        metadata=_about(
            "The most files and folders one lab may make.", unit="files", low=4096, high=1 << 26
        ),
    )
    images_max_bytes: int = field(
        default=20 * GIB,
        metadata=_about(
            "The most that the images of containers within labs may take, unpacked.",
            unit="bytes",
            low=64 << 20,
            high=1024 * GIB,
        ),
    )
    registry_mirror: str = field(
        default="",
        metadata=_about(
            "A registry that is asked first for images of the usual registry, such as "
            "mirror.school.example, or http://192.168.1.2:5000 for one without TLS."
        ),
    )
    mirror_max_bytes: int = field(
        default=10 * GIB,
        metadata=_about(
            "The most that the workshop's mirror keeps of images that learners pulled.",
            unit="bytes",
            low=64 << 20,
            high=1024 * GIB,
        ),
    )
    registry_quota_bytes: int = field(
        default=GIB,
        metadata=_about(
            "The most that images may take which one lab pushes to the workshop's registry.",
            unit="bytes",
            low=1 << 20,
            high=1024 * GIB,
        ),
    )
    reserve_percent: int = field(
        default=10,
        metadata=_about(
            "The share of memory, processes and disk that all labs together never get.",
            unit="percent",
            low=1,
            high=90,
        ),
    )
    lab_max_hours: float = field(
        default=24.0,
        metadata=_about(
            "The longest a lab may live from now on.", unit="hours", low=0.01, high=2400
        ),
    )
    log_level: str = field(
        default="info",
        metadata=_about("How much is logged.", choices=("debug", "info", "warning", "error")),
    )


_TYPES: dict[str, type] = {"Path": Path, "str": str, "int": int, "float": float}

SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=each.name, type=_TYPES[str(each.type)], default=each.default, **each.metadata)
    for each in dataclasses.fields(Settings)
)


# What else may stand in the file; the other settings of the web are the supervisor's to give.
OF_THE_WEB = frozenset(
    {
        "audit_days",
        "busy_minutes",
        "database_url",
        "demo",
        "idle_minutes",
        "keep_days",
        "lessons",
        "metrics_token",
        "proxy_addresses",
        "trusted_proxies",
    }
)


def load(
    flags: Mapping[str, object],
    environ: Mapping[str, str] = os.environ,
    config_path: Path | None = None,
) -> Settings:
    """Read the settings; of two that say something, the later wins: file, environment, flag.

    Args:
        flags: by name; None where the flag wasn't given.
        environ: SLIPWAY_NAME for each.
        config_path: a file that must exist; without it /etc/slipway.toml, where there is one.

    Raises:
        Problem: `setting-wrong`, `setting-unknown` or `settings-unreadable`: one sentence that
            names the place.
    """
    named = environ.get("SLIPWAY_CONFIG")
    path = config_path or (Path(named) if named else None)
    in_file = _read_file(path or CONFIG_PATH, must_exist=path is not None)
    _refuse_unknown(in_file, path or CONFIG_PATH)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        if setting.name in in_file:
            source = f"“{setting.name}” in {path or CONFIG_PATH}"
            values[setting.name] = setting.read(in_file[setting.name], source)
        if setting.variable in environ:
            values[setting.name] = setting.read(environ[setting.variable], setting.variable)
        if flags.get(setting.name) is not None:
            flag = f"--{setting.name.replace('_', '-')}"
            values[setting.name] = setting.read(flags[setting.name], flag)
    return Settings(**values)


def _read_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        if not must_exist:
            return {}
        raise _unreadable(path, "it isn't there") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error


def _refuse_unknown(in_file: Mapping[str, object], path: Path) -> None:
    known = OF_THE_WEB | {setting.name for setting in SETTINGS}
    for key in in_file:
        if key not in known:
            close = get_close_matches(key, known, n=1)
            raise Problem(
                "setting-unknown",
                f"“{key[:60]}” in {path} is no setting.",
                f"Write “{close[0]}”." if close else "docs/reference.md lists all settings.",
                setting=key[:60],
            )


def _unreadable(path: Path, why: str) -> Problem:
    return Problem(
        "settings-unreadable",
        f"The settings file {path} can't be read: {why}.",
        "Mend it, or name another with --config.",
    )
