"""The supervisor's table: what each process of a server is, and what it may do."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime import confine, folders
from runtime.confine import Confinement
from runtime.kernel.spawn import PATH
from runtime.pumps import pump_names
from runtime.settings import CONFIG_PATH, SETTINGS
from runtime.watchdog import Probe

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.instance import Instance
    from runtime.settings import Settings
    from runtime.users import Uids


@dataclass(frozen=True)
class Row:
    """One process.

    Attributes:
        name: as `slipway restart` calls it.
        argv: its command.
        env: all of its environment.
        confinement: None for root's own.
        death_signal: what it gets when the supervisor dies.
        fds: descriptors that it inherits, under the same numbers.
        once: it does its work and ends; it isn't started again.
        is_urgent: it goes before whatever labs run: a key waits for nobody's flood.
        probe: how it is asked whether it is well.
        stop_timeout_s: how long it may take to end when it is told to, in seconds.
    """

    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    confinement: Confinement | None = None
    death_signal: signal.Signals = signal.SIGKILL
    fds: tuple[int, ...] = ()
    once: bool = field(default=False)
    is_urgent: bool = field(default=False)
    probe: Probe | None = None
    stop_timeout_s: float = 5.0


@dataclass(frozen=True)
class Plan:
    """What the rows of one server are made from.

    Attributes:
        instance: whose they are.
        settings: the runtime's, with the flags applied.
        config_path: the settings file, where there is one.
        uids: who its processes are.
        preview_port: the port of previews that was free; 0 where there are none.
        preview_key: what the web signs with, so that previews believe it; new at each start.
    """

    instance: Instance
    settings: Settings
    config_path: Path | None
    uids: Uids
    preview_port: int = 0
    preview_key: str = field(default_factory=secrets.token_hex, repr=False)

    @classmethod
    def of(
        cls,
        instance: Instance,
        settings: Settings,
        config_path: Path | None,
        preview_port: int = 0,
    ) -> Plan:
        """Claim the user ids, and prepare the places where confined processes look.

        Raises:
            Problem: `ids-full`.
        """
        path = config_path or (CONFIG_PATH if CONFIG_PATH.exists() else None)
        plan = cls(instance, settings, path, folders.uids(instance), preview_port)
        plan.prepare()
        return plan

    def prepare(self) -> None:
        """Make mount points, give web, pumps and preview what is theirs, copy the settings file."""
        run = self.instance.run_path
        for path in (confine.app_path(self.instance), confine.data_path(self.instance) / "web"):
            path.mkdir(parents=True, exist_ok=True)
        pumps = [(name, self.uids.pump) for name in pump_names(self.settings.pumps)]
        for name, uid in (*pumps, ("preview", self.uids.preview)):
            (run / name).mkdir(mode=0o711, exist_ok=True)
            os.chown(run / name, uid, uid)
        give(self.instance.web_path, self.uids.web)
        if self.config_path:
            copy = self._config_copy
            copy.touch(mode=0o600)
            shutil.copyfile(self.config_path, copy)
            os.chown(copy, self.uids.web, self.uids.web)

    def runtime(self, lock_fd: int) -> Row:
        """The daemon: root, and the lock with it."""
        argv = [sys.executable, "-m", "runtime", "serve", "--data", str(self.instance.data_path)]
        return Row(
            "runtime",
            tuple(argv),
            {
                **os.environ,
                **self._config(),
                **self._pumps,
                folders.LOCK_VARIABLE: str(lock_fd),
            },
            death_signal=signal.SIGTERM,
            fds=(lock_fd,),
            probe=Probe(str(self.instance.runtime_socket), b'{"verb": "status"}'),
            stop_timeout_s=60.0,  # it has labs to end
        )

    def pumps(self) -> list[Row]:
        """The readers of the terminals, each of its share."""
        return [self._pump(name) for name in pump_names(self.settings.pumps)]

    def _pump(self, name: str) -> Row:
        """One of them; writes its socket, nothing else."""
        own = self.instance.run_path / name
        return Row(
            name,
            (confine.python(self.instance), "-m", "webapp.terminals"),
            {**self._environment(), "SLIPWAY_WEB_UID": str(self.uids.web), "SLIPWAY_PUMP": name},
            self._alone(own, self.uids.pump),
            is_urgent=True,
            probe=Probe(str(own / "control.sock"), b'{"op": "activity"}'),
        )

    def web(self, listen_fd: int) -> Row:
        """The web server, on the socket that the supervisor keeps open."""
        return Row(
            "web",
            (confine.python(self.instance), "-m", "webapp"),
            {
                **self._environment(),
                "SLIPWAY_LISTEN_FD": str(listen_fd),
                "SLIPWAY_PREVIEW_KEY": self.preview_key,
            },
            self.web_confinement(),
            fds=(listen_fd,),
            probe=Probe(
                (self.settings.host, self.settings.port),
                b"HEAD /static/none HTTP/1.0\r\n\r\n",
            ),
        )

    def preview(self, listen_fd: int) -> Row:
        """The way to learners' own services, on other origins than the web's."""
        own = self.instance.run_path / "preview"
        return Row(
            "preview",
            (confine.python(self.instance), "-m", "webapp.preview"),
            {
                **self._environment(),
                "SLIPWAY_LISTEN_FD": str(listen_fd),
                "SLIPWAY_PREVIEW_KEY": self.preview_key,
                "SLIPWAY_PREVIEW_PORTS": str(self.settings.preview_ports),
            },
            self._alone(own, self.uids.preview),
            fds=(listen_fd,),
            probe=Probe(
                (self.settings.host, self.preview_port),
                b"HEAD / HTTP/1.1\r\nHost: -\r\n\r\n",
            ),
        )

    def _alone(self, own: Path, uid: int) -> Confinement:
        """It sees the program and a folder of its own, which is all that it may write to."""
        app = {confine.app_path(self.instance): confine.CHECKOUT, own: own}
        return Confinement(uid, app, frozenset([own]), (self.instance.data_path,))

    def greeting(self) -> Row:
        """Say where the server is, once it is ready."""
        argv = [sys.executable, "-m", "runtime", "greet", "--data", str(self.instance.data_path)]
        where = ["--host", self.settings.host, "--port", str(self.settings.port)]
        return Row("greeting", (*argv, *where), dict(os.environ), once=True)

    def web_noun(self, words: tuple[str, ...]) -> Row:
        """One of the web's own commands, run as the web is, to its end."""
        return Row(
            "as-web",
            (confine.python(self.instance), "-m", "webapp.cli", *words),
            self._environment(),
            self.web_confinement(),
            once=True,
        )

    def web_confinement(self) -> Confinement:
        """The web's wall: its part of the data folder is all it can write."""
        own = confine.data_path(self.instance) / "web"
        return Confinement(
            self.uids.web,
            {confine.app_path(self.instance): confine.CHECKOUT, own: self.instance.web_path},
            frozenset([own]),
            (self.instance.data_path,),
        )

    def _config(self) -> dict[str, str]:
        return {"SLIPWAY_CONFIG": str(self.config_path.resolve())} if self.config_path else {}

    @property
    def _pumps(self) -> dict[str, str]:
        """Their number, the same for all who spread terminals, whatever the file says by then."""
        return {"SLIPWAY_PUMPS": str(self.settings.pumps)}

    @property
    def _config_copy(self) -> Path:
        """The settings file where the web can read it; the server's commands find it there too."""
        return self.instance.run_path / "slipway.toml"

    def _environment(self) -> dict[str, str]:
        app = str(confine.app_path(self.instance))
        ours = {f"SLIPWAY_{name.upper()}" for name in (each.name for each in SETTINGS)}
        given = {
            name: value
            for name, value in os.environ.items()
            if name.startswith("SLIPWAY_") and name not in ours
        }
        copy = self._config_copy
        config = {"SLIPWAY_CONFIG": str(copy)} if copy.exists() else {}
        return {
            **given,
            **config,
            **self._pumps,
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "HOME": "/tmp",  # noqa: S108 - its private one
            "PYTHONPATH": app,
            "PYTHONSAFEPATH": "1",
            "SLIPWAY_DATA": str(confine.data_path(self.instance)),
            "SLIPWAY_RUN": str(self.instance.run_path),
            "SLIPWAY_HOST": self.settings.host,
            "SLIPWAY_PORT": str(self.settings.port),
            "SLIPWAY_PREVIEW_PORT": str(self.preview_port),
            "SLIPWAY_PREVIEW_URL": self.settings.preview_url,
            "SLIPWAY_PUBLIC_URL": self.settings.public_url,
        }


def give(top: Path, uid: int) -> None:
    """Make a folder and all in it the web's, following no link: it may have been written by it."""
    for _, folders_in, files, folder_fd in os.fwalk(top):
        os.chown(folder_fd, uid, uid)
        for name in (*folders_in, *files):
            with suppress(FileNotFoundError):
                os.chown(name, uid, uid, dir_fd=folder_fd, follow_symlinks=False)
