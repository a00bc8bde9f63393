"""Makes the server a service of this machine, and takes all of that away again.

What was made here is written down before it is made, in the data folder, so that the way back
knows it, also from an installation that was interrupted.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runtime import users
from runtime.client import Client
from runtime.confine import CHECKOUT
from runtime.install import unit
from runtime.kernel import spawn
from runtime.problems import Problem
from runtime.settings import CONFIG_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.instance import Instance
    from runtime.settings import Settings

UNIT_PATH = Path("/etc/systemd/system") / unit.NAME
_SYSTEMD = Path("/run/systemd/system")
_START_S = 120.0  # one that runs is told to stop first
_UP_S = 300.0  # a slow machine reads all that Python for a while
_POLL_S = 0.2

_SETTINGS = """\
# Settings of this machine's Slipway; docs/reference.md (Settings) has all of them.
# After a change: systemctl restart slipway (learners' programs go on).
data = {data}
host = {host}
port = {port}

# What learners type, and how many proxies stand in front (docs/operating.md, A proxy in front):
# public_url = "https://lab.school.example"
# trusted_proxies = 1
# How many labs may live at once:
# max_labs = 40
# Who shows this token reads /metrics from elsewhere:
# metrics_token = ""
"""


@dataclass(frozen=True)
class Record:
    """What an installation made; what was there before is not ours to take away.

    Attributes:
        settings: the settings file.
        data: the data folder, with all that came to be in it.
    """

    settings: bool
    data: bool


def look(instance: Instance) -> Record:
    """What an installation would make here, or what one made already.

    Raises:
        Problem: `install-systemd`; `install-other` where another server is the machine's service.
    """
    if not _SYSTEMD.is_dir():
        raise Problem(
            "install-systemd",
            "This machine isn't run by systemd, which a service is started by.",
            "Start `./slipway serve` from whatever starts programs here.",
        )
    made = recorded(instance)
    if made is None and UNIT_PATH.exists():
        raise Problem(
            "install-other",
            f"{UNIT_PATH} is there already, of a server that keeps its data elsewhere.",
            "`./slipway uninstall --data FOLDER` takes that one away; it says under ReadWritePaths "
            "which folder.",
        )
    is_new = not instance.data_path.exists() or not any(instance.data_path.iterdir())
    return made or Record(settings=not CONFIG_PATH.exists(), data=is_new)


def recorded(instance: Instance) -> Record | None:
    """What the installation of this instance made; None where it isn't installed.

    Where its data folder has lost that, as when somebody removed it: nothing but the unit.
    """
    try:
        return Record(**json.loads(_record_path(instance).read_text()))
    except (FileNotFoundError, NotADirectoryError):
        is_ours = UNIT_PATH.exists() and unit.names(UNIT_PATH.read_text(), instance.data_path)
        return Record(settings=False, data=False) if is_ours else None


def install_lines(instance: Instance, record: Record) -> list[str]:
    """What an installation touches, to be read before it does."""
    settings = "made" if record.settings else "there already, and left as it is"
    data = "made: all that it keeps, and images (some 750 MB)" if record.data else "there already"
    return [
        "Slipway will be a service of this machine. It touches:",
        f"  {UNIT_PATH}  made: starts it with the machine, shut in as far as labs allow",
        f"  {CONFIG_PATH}  {settings}",
        f"  users {', '.join(users.NAMES)}  made: its processes run as them",
        f"  {instance.data_path}  {data}",
        f"  {CHECKOUT}  is where it runs from: leave it there",
        "While it serves it adds network links, one nftables table, cgroups and /run/slipway, all",
        f"under its own id ({instance.id}). `slipway uninstall` takes all of it away again.",
    ]


def uninstall_lines(
    instance: Instance, record: Record, *, keep_data: bool, keep_packages: bool
) -> list[str]:
    """What goes and what stays, to be read before it does."""
    goes = [
        "  every lab that lives, with what learners have in it",
        f"  {UNIT_PATH}",
        f"  users {', '.join(users.NAMES)}",
    ]
    stays = [f"  {CHECKOUT}  is yours to remove"]
    kept = "as you said" if keep_data else "was there before"
    for path, is_ours, says in (
        (CONFIG_PATH, record.settings, ""),
        (instance.data_path, record.data, "  accounts, workshops, results, recordings, images"),
    ):
        if is_ours and not keep_data:
            goes.append(f"  {path}{says}")
        else:
            stays.append(f"  {path}  {kept}")
    if packages := _brought():
        said = f"  Debian's packages that setup installed: {' '.join(packages)}"
        (stays if keep_packages else goes).append(said)
    return ["This goes, for good:", *goes, "This stays:", *stays]


def install(settings: Settings, instance: Instance, record: Record) -> None:
    """Make users, settings and the unit; start nothing yet.

    Raises:
        Problem: `users-taken`, `ids-full`, `install-failed`.
    """
    with _told():
        users.make(instance.id)
    write_unit(instance)
    if record.settings and not CONFIG_PATH.exists():
        words = {name: json.dumps(str(getattr(settings, name))) for name in ("data", "host")}
        CONFIG_PATH.touch(mode=0o600)
        CONFIG_PATH.write_text(_SETTINGS.format(**words, port=settings.port))


def note(instance: Instance, record: Record) -> None:
    """Write down what is about to be made, in the data folder that is there."""
    _record_path(instance).write_text(json.dumps(asdict(record)))


def write_unit(instance: Instance) -> None:
    """The unit as this version has it.

    Raises:
        Problem: `install-failed`.
    """
    UNIT_PATH.write_text(unit.text(CHECKOUT, instance.data_path))
    _systemctl("daemon-reload")


def start() -> None:
    """Let it start with the machine, and now; anew if it runs, or was given up."""
    _forget_failure()
    _systemctl("enable", unit.NAME)
    _systemctl("restart", unit.NAME)


def wait_up(instance: Instance) -> None:
    """Wait until labs can be had; a service that ends instead is told of at once.

    Raises:
        Problem: `install-failed`.
    """
    client = Client(instance.runtime_socket)
    deadline = time.monotonic() + _UP_S
    while time.monotonic() < deadline and _restarts() == 0:
        with suppress(Problem):
            if client.status()["ready"]:
                return
        time.sleep(_POLL_S)
    said = spawn.run(["journalctl", "--unit", unit.NAME, "--lines=3", "--output=cat"]).stdout
    raise Problem(
        "install-failed",
        f"The service doesn't stay up. Its last words: {' / '.join(said.split(chr(10))[-4:-1])}",
        "`journalctl -u slipway` has all of them; `./slipway uninstall` is the way back.",
    )


def is_meant_to_run() -> bool:
    """Whether it runs, or would if it could: nobody has stopped it."""
    return _shown("ActiveState") not in {"inactive", "deactivating"}


def stop() -> None:
    """Stop it, if it runs; labs that live go on."""
    if UNIT_PATH.exists():
        _systemctl("stop", unit.NAME)


def uninstall(instance: Instance, record: Record, *, keep_data: bool) -> None:
    """Take away what an installation made; no lab lives any more.

    Interrupted, it is done again: what was made stays written down until the rest is gone.
    """
    if UNIT_PATH.exists():
        _systemctl("disable", "--now", unit.NAME)
        UNIT_PATH.unlink()
    _systemctl("daemon-reload")
    _forget_failure()
    with _told():
        users.remove(instance.id)
    if record.settings and not keep_data:
        CONFIG_PATH.unlink(missing_ok=True)
    if record.data and not keep_data:
        with _told():
            spawn.remove(instance.data_path)
    _record_path(instance).unlink(missing_ok=True)


def _record_path(instance: Instance) -> Path:
    return instance.runtime_path / "install.json"


def _brought() -> list[str]:
    """What the launcher installed, and removes after us (setup/debian.sh)."""
    try:
        return (CHECKOUT / ".slipway/packages").read_text().split()
    except FileNotFoundError:
        return []


def _restarts() -> int:
    return int(_shown("NRestarts") or 0)


def _forget_failure() -> None:
    """Let it be started again though it was given up, and leave no word of it."""
    if _shown("ActiveState") == "failed":
        _systemctl("reset-failed", unit.NAME)


def _shown(what: str) -> str:
    with _told():
        asked = ["systemctl", "show", f"--property={what}", "--value", unit.NAME]
        return spawn.run(asked).stdout.strip()


def _systemctl(*words: str) -> None:
    with _told():
        spawn.run(["systemctl", *words], timeout_s=_START_S)


@contextmanager
def _told() -> Iterator[None]:
    """A program of the machine's that refuses says why in its own words."""
    try:
        yield
    except spawn.ProgramFailed as error:
        raise Problem(
            "install-failed",
            f"This machine refused: {error}.",
            "Mend that and try again; `./slipway uninstall` is the way back.",
        ) from error
