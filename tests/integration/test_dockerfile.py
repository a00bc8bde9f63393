"""Dockerfile.host: the image builds, and the documented `docker run` serves with real labs."""

from __future__ import annotations

import platform
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runtime.doctor.row import DOCKER_RUN
from runtime.image.build import archives, own_suite
from tests.conftest import CACHE
from tests.integration.engine import Engine, status_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).resolve().parents[2]
# How this machine's package clients are set up, for the base image to be set up alike.
SETTINGS = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf", "/etc/npmrc"]

# What Debian's own slim images tell dpkg: no documents, and no wait for the disk after each file.
SLIM = r"force-unsafe-io\npath-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\n"


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A docker of our own; on a real file system, since its layers are overlays."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-docker-", dir="/var/tmp"))
    yield Engine(folder)
    subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=True)


def base_tar() -> Path:
    """A minimal Debian, as an image registry would give it; made once on a machine."""
    tar = CACHE / f"slim-{own_suite()}.tar"
    if tar.exists():
        return tar
    CACHE.mkdir(parents=True, exist_ok=True)
    new = tar.with_suffix(".new")
    copy = 'for f in {}; do if [ -f "$f" ]; then cp -L "$f" "$1$f"; fi; done'
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates",
         f"--customize-hook={copy.format(' '.join(SETTINGS))}",
         f"--customize-hook=printf '{SLIM}' >\"$1/etc/dpkg/dpkg.cfg.d/docker\"",
         own_suite(), str(new), "--format=tar", *archives("")],
        check=True,
    )  # fmt: skip
    return new.rename(tar)


@pytest.mark.timeout(900)
def test_the_server_image_serves_and_runs_a_lab_with_the_documented_rights(engine: Engine) -> None:
    tar = base_tar()
    change = "ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"
    with engine.running(host_network=True):
        engine("import", "--change", change, str(tar), "base")
        build = ["build", "--file", f"{TOP}/Dockerfile.host", "--tag", "slipway"]
        engine(*build, "--network", "host", "--build-arg", "BASE=base", str(TOP))
    with engine.running(host_network=False) as dockerd_pid:
        seccomp = engine("run", "--rm", "slipway", "seccomp")
        (engine.folder / "slipway-seccomp.json").write_text(seccomp)
        engine(*shlex.split(DOCKER_RUN)[1:])
        url = "http://127.0.0.1:8080/healthz"
        wait_for(lambda: status_of(url, dockerd_pid) == 200, "a healthy server", deadline_s=120)
        command = ["/opt/slipway/slipway", "lab", "run", "--", "id", "-u"]
        assert engine("exec", "slipway", *command).strip() == "0"
        size = [
            "/opt/slipway/slipway",
            "lab",
            "run",
            "--",
            "df",
            "--output=size",
            "--block-size=1M",
            "/",
        ]
        assert 500 < int(engine("exec", "slipway", *size).split()[-1]) < 600  # a disk of its own
        # A machine boots there, under a kernel of its own, which isn't the server's.
        machine = ["/opt/slipway/slipway", "lab", "run", "--machine", "--", "uname", "-r"]
        release = engine("exec", "slipway", *machine).strip()
        assert release.endswith("amd64")
        assert release != platform.release()
        engine("stop", "slipway")
        ended = engine("inspect", "--format", "{{.State.ExitCode}}", "slipway")
        assert ended.strip() == "0"
        engine("rm", "slipway")
