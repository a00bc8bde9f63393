"""What can be set, each thing once. Nobody else in this half reads the environment or the file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.client import Problem
from webapp.addresses import networks
from webapp.preview.address import Previews

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(
    __file__
).parent.parent  # never resolved: the command line may see it through a descriptor
SYSTEM_FILE = Path("/etc/slipway.toml")
_DAYS_MOST = 36500
_MINUTES_MOST = 60 * 24 * 365


@dataclass(frozen=True)
class Setting:
    """One thing that can be set: in the file by its name, in the environment as SLIPWAY_NAME.

    Attributes:
        default: its type is the setting's type.
        unit: of the value; empty where it has none.
        most: of a number that can't be below 0; None where it can be any.
    """

    name: str
    default: str | int | bool | Path
    unit: str
    help: str
    most: int | None = None


SETTINGS = (
    Setting(
        "data", Path("/var/lib/slipway"), "", "the data folder; the web writes in its `web/` only"
    ),
    Setting("run", Path("/run/slipway"), "", "this server's sockets"),
    Setting(
        "listen_fd", -1, "", "an inherited listening socket; without one, host and port are bound"
    ),
    Setting("host", "127.0.0.1", "", "address to listen on when no socket was inherited"),
    Setting("port", 8080, "", "port to listen on when no socket was inherited"),
    Setting("public_url", "", "", "what learners type, such as `http://lab.school.example`"),
    Setting(
        "trusted_proxies",
        0,
        "proxies",
        "how many proxies in front may say https and the address",
        most=16,
    ),
    Setting(
        "proxy_addresses",
        "127.0.0.0/8, ::1",
        "",
        "the addresses and networks that those proxies ask from; nobody else is believed",
    ),
    Setting(
        "preview_url",
        "",
        "",
        "below which each web preview has a name, such as `https://preview.school.example`",
    ),
    Setting("preview_port", 0, "", "the port by which previews are entered; the supervisor's"),
    Setting("preview_key", "", "", "what previews' addresses are signed with; the supervisor's"),
    Setting("pumps", 1, "pumps", "how many carry the terminals; the supervisor's"),
    Setting("database_url", "", "", "another database than `DATA/web/slipway.db`"),
    Setting(
        "lessons",
        CHECKOUT / "lessons",
        "",
        "the folder that holds a folder for each lesson; open to everybody, not below /tmp",
    ),
    Setting(
        "idle_minutes",
        15,
        "minutes",
        "after how long an unused lab gives way to somebody in line; 0 is never",
        most=_MINUTES_MOST,
    ),
    Setting(
        "busy_minutes",
        30,
        "minutes",
        "after how long at full CPU without a key a lab is marked for the instructor; 0 is never",
        most=_MINUTES_MOST,
    ),
    Setting(
        "keep_days",
        0,
        "days",
        "after how long the data of a workshop that is over is deleted; 0 is never",
        most=_DAYS_MOST,
    ),
    Setting(
        "audit_days",
        365,
        "days",
        "how long the log of what those who teach did is kept; 0 is for ever",
        most=_DAYS_MOST,
    ),
    Setting(
        "metrics_token",
        "",
        "",
        "the bearer token that `/metrics` wants; without one it answers this machine alone",
    ),
    Setting(
        "demo", default=True, unit="", help="keep a demo workshop open while there is no other"
    ),
)


@dataclass(frozen=True)
class Settings:
    """The settings of one web process; docs/reference.md lists them."""

    data: Path
    run: Path
    listen_fd: int
    host: str
    port: int
    public_url: str
    trusted_proxies: int
    proxy_addresses: str
    preview_url: str
    preview_port: int
    preview_key: str
    pumps: int
    database_url: str
    lessons: Path
    idle_minutes: int
    busy_minutes: int
    keep_days: int
    audit_days: int
    metrics_token: str
    demo: bool

    @property
    def web_path(self) -> Path:
        """The only folder that this process may write in."""
        return self.data / "web"

    def require_writable(self) -> None:
        """Makes the web's own folder, if it is ours to make.

        Raises:
            Problem: `data-unwritable`.
        """
        try:
            self.web_path.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self.web_path / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise Problem(
                "data-unwritable",
                f"The web can't write in {self.web_path}: {error.strerror}.",
                "It must belong to the user that the web runs as; `./slipway serve` sees to that.",
            ) from error

    def require_lessons(self) -> None:
        """Look whether there is a folder of lessons, as this process sees it.

        Raises:
            Problem: `bad-setting`.
        """
        if not self.lessons.is_dir():
            setting = next(each for each in SETTINGS if each.name == "lessons")
            raise _bad(setting, str(self.lessons), "a folder that the web can see")

    @property
    def database(self) -> str:
        """The database's URL; SQLite in the data folder unless another was set."""
        return self.database_url or f"sqlite:///{self.web_path / 'slipway.db'}"

    @cached_property
    def previews(self) -> Previews:
        """Where web previews are."""
        return Previews.at(self.preview_port, self.preview_url)

    @property
    def runtime_socket(self) -> Path:
        """Where the runtime listens."""
        return self.run / "runtime.sock"


def read_settings(environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """The defaults, then the file, then the environment; the later wins.

    Args:
        environ: names as SLIPWAY_NAME; others are ignored.
        file: the settings file; without one /etc/slipway.toml, where it exists.

    Raises:
        Problem: `bad-setting` for a value that isn't of its setting's type or a file that can't be
            read.
    """
    from_file = _read_file(file or SYSTEM_FILE, must_exist=file is not None)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        raw = environ.get(f"SLIPWAY_{setting.name.upper()}", from_file.get(setting.name))
        values[setting.name] = setting.default if raw is None else _typed(setting, raw)
    settings = Settings(**values)
    try:
        _ = settings.previews
    except ValueError as error:
        setting = next(each for each in SETTINGS if each.name == "preview_url")
        raise _bad(setting, settings.preview_url, "an address without a path") from error
    try:
        networks(settings.proxy_addresses)
    except ValueError as error:
        setting = next(each for each in SETTINGS if each.name == "proxy_addresses")
        wanted = "addresses and networks such as 10.1.0.0/16, with commas between"
        raise _bad(setting, settings.proxy_addresses, wanted) from error
    return settings


def _read_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    if not must_exist and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Problem(
            "bad-setting",
            f"The settings file {path} can't be read: {error}.",
            "Mend it, then start again.",
        ) from error


def _typed(setting: Setting, raw: object) -> str | int | bool | Path:
    """`raw` as the setting's type; the environment knows only text."""
    text = str(raw)
    if isinstance(setting.default, bool):
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise _bad(setting, text, "yes or no")
    if isinstance(setting.default, int):
        return _whole(setting, text)
    return Path(text) if isinstance(setting.default, Path) else text


def _whole(setting: Setting, text: str) -> int:
    try:
        number = int(text)
    except ValueError as error:
        raise _bad(setting, text, "a whole number") from error
    if setting.most is not None and not 0 <= number <= setting.most:
        raise _bad(setting, text, f"a whole number from 0 to {setting.most}")
    return number


def _bad(setting: Setting, text: str, wanted: str) -> Problem:
    return Problem(
        "bad-setting",
        f"The setting {setting.name} is “{text}”, which isn't {wanted}.",
        f"Set SLIPWAY_{setting.name.upper()}, or {setting.name} in slipway.toml: {setting.help}.",
        setting=setting.name,
    )
