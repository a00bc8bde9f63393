"""./slipway before anything is set up: in a copy of the checkout without an environment."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from runtime.cli import NOUNS
from webapp.cli.main import main as webapp_main

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The launcher and its parts; readable to everybody, as pytest's own folder isn't."""
    shutil.copy(TOP / "slipway", tmp_path)
    shutil.copytree(TOP / "setup", tmp_path / "setup")
    return tmp_path


def run(checkout: Path, *words: str, sh: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*sh, "sh", str(checkout / "slipway"), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "words", [(), ("--help",), ("help",), ("serve", "--help"), ("lab", "run", "--help")]
)
def test_help_needs_nothing_and_changes_nothing(checkout: Path, words: tuple[str, ...]) -> None:
    done = run(checkout, *words)
    assert done.returncode == 0
    assert "./slipway serve" in done.stdout
    assert sorted(path.name for path in checkout.iterdir()) == ["setup", "slipway"]


@pytest.mark.parametrize(
    "words", ["workshop create --data /d --json", "lab run --data /d -- ls --json", "lesson lint x"]
)
def test_every_word_reaches_the_noun_as_it_was_typed(checkout: Path, words: str) -> None:
    (checkout / "setup/debian.sh").write_text("set_up() { :; }\n")  # nothing is missing here
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*"\n')
    python.chmod(0o755)
    done = run(checkout, *words.split())
    half = "-m runtime as-web" if words.startswith("workshop") else "-m runtime.cli"
    assert done.stdout == f"{half} {words}\n"


def test_a_word_that_is_no_command_installs_nothing(checkout: Path) -> None:
    done = run(checkout, "serf")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "There is no command serf.\n./slipway --help names them all.\n"
    assert not (checkout / ".slipway").exists()


@pytest.mark.parametrize("noun", [*NOUNS, *sorted(webapp_main.commands.keys() - {"greet"})])
def test_the_launcher_knows_every_noun(checkout: Path, noun: str) -> None:
    (checkout / "setup/debian.sh").write_text("set_up() { echo set up; exit 0; }\n")
    words = ["--fetched"] if noun == "upgrade" else []  # else it would fetch its next version
    assert run(checkout, noun, *words).stdout == "set up\n"


def test_yes_reaches_those_who_ask_by_themselves_and_packages_go_last(checkout: Path) -> None:
    setup = "set_up() { :; }\nremove_packages() { echo packages; }\n"
    (checkout / "setup/debian.sh").write_text(setup)
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$*"; [ -z "$REFUSES" ]\n')
    python.chmod(0o755)
    asked = "-m runtime.cli uninstall --keep-data --yes\n"
    words = ("uninstall", "--yes", "--keep-data")
    assert run(checkout, *words).stdout == f"{asked}packages\n"
    assert run(checkout, *words, "--keep-packages").stdout == asked.replace(
        "--yes", "--keep-packages --yes"
    )
    refused = run(checkout, *words, sh=("env", "REFUSES=1"))
    assert (refused.returncode, refused.stdout) == (1, asked)


def test_a_folder_that_is_no_clone_says_how_it_is_upgraded(checkout: Path) -> None:
    done = run(checkout, "upgrade")
    assert done.returncode == 1
    assert "--fetched" in done.stderr


def test_somebody_who_is_not_root_is_told_so_in_a_sentence(checkout: Path) -> None:
    # A user namespace without a map: the same files, but the id is nobody's.
    done = run(checkout, "serve", sh=("unshare", "--user"))
    assert done.returncode == 1
    assert "needs root" in done.stderr
    assert not (checkout / ".slipway").exists()


def test_no_at_the_question_changes_nothing(checkout: Path) -> None:
    (checkout / "requirements.txt").touch()
    (checkout / "requirements-dev.txt").touch()
    command = f"sh {checkout}/slipway setup"
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", command, "/dev/null"],
        input="n\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Go on? [Y/n]" in done.stdout
    assert "Nothing was changed." in done.stdout
    assert not (checkout / ".venv").exists()


def test_accounts_that_packages_brought_go_and_their_services_never_start(checkout: Path) -> None:
    etc, programs = checkout / "etc", checkout / "bin"
    for folder in (etc, programs, checkout / ".slipway"):
        folder.mkdir()
    (etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n")
    (etc / "group").write_text("root:x:0:\nada:x:1000:\n")
    before = [(etc / name).read_text() for name in ("passwd", "group")]
    # As userdel(8) and groupdel(8), on these files: a user's group goes along.
    for program, files in (("userdel", "passwd group"), ("groupdel", "group")):
        (programs / program).write_text(f'#!/bin/sh\ncd {etc}; sed -i "/^$1:/d" {files}\n')
        (programs / program).chmod(0o755)
    rows = {
        "passwd": ["registry:x:100:101::/:/bin/false", "chi:x:1001:1001::/:"],
        "group": ["registry:x:101:", "rdma:x:102:"],
    }
    wants = etc / "systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "cron.service").symlink_to("/nowhere")
    (programs / "systemctl").write_text(f'#!/bin/sh\n[ "$1" = disable ] && rm "{wants}/$3"\n')
    (programs / "systemctl").chmod(0o755)
    comes = "; ".join(f"echo {row} >>{etc}/{name}" for name in rows for row in rows[name])
    comes += f"; ln -s /nowhere {wants}/lxcfs.service"
    script = f"""
        set -eu
        top={checkout} log={checkout}/log packages=x
        . $top/setup/say.sh
        . $top/setup/debian.sh
        etc={etc} PATH={programs}:$PATH
        installed_packages() {{ echo x; }}
        shown() {{ :; }}
        without_services() {{ {comes}; }}
        install_packages
        remove_accounts
    """
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [(etc / name).read_text() for name in ("passwd", "group")] == [
        before[0] + "chi:x:1001:1001::/:\n",
        before[1],
    ]
    assert [link.name for link in wants.iterdir()] == ["cron.service"]
