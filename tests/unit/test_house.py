"""The house's own rules, as tests: `./slipway test lint` runs this file, and nothing else does."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
MODULES = TOP / "node_modules"
CPU = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
BIOME = f"{MODULES}/@biomejs/cli-linux-{CPU}/biome"
TSC = f"{MODULES}/@typescript/typescript-linux-{CPU}/lib/tsc"
PYTHON = ["setup", "runtime", "webapp", "tests", "benchmarks"]
LONGEST_LINES = 500

LINTERS = {
    "ruff's format": ["ruff", "format", "--check", "."],
    "ruff": ["ruff", "check", "--output-format=concise", "."],
    "mypy": ["mypy", *PYTHON],
    "import-linter": ["lint-imports", "--no-cache"],
    "biome": [BIOME, "ci", "--colors=off"],
    "tsc": [TSC, "--project", "."],
    "djlint": ["djlint", "--lint", "--quiet", "templates"],
    "shellcheck": ["shellcheck", "--external-sources", "--check-sourced", "slipway", ".ci/run"],
    "codespell": ["codespell"],
}


def tracked(*patterns: str) -> list[Path]:
    """The files that git knows and that are here."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={TOP}", "ls-files", "-z", *patterns],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    files = (TOP / name for name in listed.split("\0") if name)
    return [file for file in files if file.is_file()]


@pytest.mark.parametrize("name", LINTERS)
def test_a_linter_has_nothing_to_say(name: str) -> None:
    """One list for home and build machine."""
    scripts = Path(sys.executable).parent
    argv = [word for word in LINTERS[name] if word not in PYTHON or (TOP / word).is_dir()]
    path = f"{scripts}:{os.environ['PATH']}"
    done = subprocess.run(
        argv, cwd=TOP, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}{done.stderr}"


def test_no_file_is_too_long_to_hold_in_the_head() -> None:
    """Settings, wiring and scripts grow without end where nobody counts."""
    files = tracked("*.py", "*.js", "*.css", "*.sh", "*.html", "slipway")
    lines = {file: file.read_text().count("\n") for file in files}
    assert {str(file.relative_to(TOP)): n for file, n in lines.items() if n > LONGEST_LINES} == {}


def test_the_lock_file_says_no_registry() -> None:
    """Each machine takes packages from where it is set up to."""
    assert '"resolved"' not in (TOP / "package-lock.json").read_text()


def test_each_python_package_is_pinned() -> None:
    """A server that is set up next year gets what was tested."""
    lines = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (TOP / name).read_text().splitlines()
        if line and not line.startswith(("#", "-r "))
    ]
    assert [line for line in lines if "==" not in line] == []
