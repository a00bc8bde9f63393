"""One server's name and places: everything of ours on this machine carries its id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

# What all servers of a machine share: a folder for each, and what lies beside those.
SHARED = Path("/run/slipway")
ACCELERATOR = SHARED / "accelerator"


@dataclass(frozen=True)
class Instance:
    """The paths and names of one server; made once, handed down, never global.

    Attributes:
        data_path: the data folder, resolved; `web/` is the web's, `runtime/` root's.
        id: first 6 hex digits of the SHA-256 of `data_path`.
    """

    data_path: Path
    id: str

    @classmethod
    def at(cls, data: Path) -> Instance:
        """The instance whose data folder is `data` (it need not exist yet)."""
        real = data.resolve()
        return cls(real, hashlib.sha256(str(real).encode()).hexdigest()[:6])

    @property
    def runtime_path(self) -> Path:
        """Root's own part of the data folder: images, labs, state."""
        return self.data_path / "runtime"

    @property
    def web_path(self) -> Path:
        """The web's own part of the data folder: the database."""
        return self.data_path / "web"

    @property
    def images_path(self) -> Path:
        """One folder an image, `NAME/rootfs` and `NAME/image.json` in each."""
        return self.runtime_path / "images"

    @property
    def store_path(self) -> Path:
        """The images that containers within labs start from, in the form that engines read."""
        return self.runtime_path / "store"

    @property
    def fetches_path(self) -> Path:
        """What is being fetched for the store, and isn't in it yet; `run/` is skopeo's own."""
        return self.runtime_path / "fetches"

    @property
    def registry_path(self) -> Path:
        """What the workshop's registry keeps: its process's own."""
        return self.runtime_path / "registry"

    @property
    def labs_path(self) -> Path:
        """One folder a lab: `lab.json`, the writable layer, the OCI bundle."""
        return self.runtime_path / "labs"

    @property
    def run_path(self) -> Path:
        """Sockets and pids; gone at a reboot."""
        return SHARED / self.id

    @property
    def runtime_socket(self) -> Path:
        """Where the daemon listens."""
        return self.run_path / "runtime.sock"

    @property
    def keeper_socket(self) -> Path:
        """Where the keeper listens; root only."""
        return self.run_path / "keeper.sock"

    @property
    def cgroup_name(self) -> str:
        """The labs' cgroup below each hierarchy's root (or below the unit, under systemd)."""
        return f"slipway-{self.id}"
