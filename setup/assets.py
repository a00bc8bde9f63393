"""Fetches what the browser loads (and, for developers, what checks it) from the npm registry.

Runs before there is a virtual environment, so the standard library alone. npm is not needed: a
package is a tarball whose SHA-512 stands in package-lock.json.

    setup/assets.py           the files named in vendor.json, into static/vendor/FOLDER/
    setup/assets.py --dev     whole packages, into node_modules/, for tsc, biome and node's tests
    setup/assets.py --check   fetch nothing; exit 1 where something is missing or out of date

Each package's folder is written beside its place and renamed, so it is whole or absent, and an
interrupted run goes on where it stopped.
"""

import argparse
import base64
import concurrent.futures
import fnmatch
import hashlib
import http.client
import io
import json
import os
import platform
import shutil
import sys
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from npmrc import Npmrc, read_npmrc

TOP = Path(__file__).resolve().parent.parent
STAMP = ".fetched"
TRIES = 3
TIMEOUT_S = 60
CPUS = {"x86_64": "x64", "aarch64": "arm64"}  # the kernel's names to npm's


class CannotFetch(Exception):
    """A package could not be had; the text is for a person."""


@dataclass(frozen=True)
class Package:
    """One package at the version and content that the lock file records."""

    name: str
    version: str
    integrity: str
    target: Path
    patterns: tuple[str, ...]

    @property
    def stamp(self) -> str:
        """What the folder's stamp says when it holds exactly this."""
        return json.dumps([self.version, self.integrity, self.patterns])

    def is_there(self) -> bool:
        """Tell whether the folder holds this version's files, whole."""
        try:
            return (self.target / STAMP).read_text() == self.stamp
        except OSError:
            return False


def vendor_packages() -> list[Package]:
    """List what the browser loads: vendor.json says which files of which package."""
    wanted = json.loads((TOP / "setup/vendor.json").read_text())
    locked = _locked()
    return [
        Package(
            name=name,
            version=locked[name]["version"],
            integrity=locked[name]["integrity"],
            target=TOP / "static/vendor" / entry["folder"],
            patterns=tuple(entry["files"]),
        )
        for name, entry in wanted.items()
    ]


def dev_packages() -> list[Package]:
    """List every locked package that fits this machine."""
    return [
        Package(name, entry["version"], entry["integrity"], TOP / "node_modules" / name, ("*",))
        for name, entry in _locked().items()
        if _fits(entry)
    ]


def _locked() -> dict[str, dict[str, str]]:
    """Read package-lock.json as package name to entry."""
    packages = json.loads((TOP / "package-lock.json").read_text())["packages"]
    return {path.removeprefix("node_modules/"): entry for path, entry in packages.items() if path}


def _fits(entry: dict[str, str]) -> bool:
    """Tell whether a package is for this system; most are for all."""
    machine = platform.machine()
    return (
        "linux" in entry.get("os", "linux")
        and CPUS.get(machine, machine) in entry.get("cpu", [CPUS.get(machine, machine)])
        and "glibc" in entry.get("libc", "glibc")
    )


def fetch(package: Package, npmrc: Npmrc) -> None:
    """Download, verify and unpack one package.

    Raises:
        CannotFetch: no answer after some tries, or content that isn't what the lock file says.
    """
    registry = npmrc.registry(package.name)
    document = json.loads(_get(registry + quote(package.name, safe="@"), npmrc))
    try:
        address = document["versions"][package.version]["dist"]["tarball"]
    except KeyError:
        raise CannotFetch(f"the registry has no {package.name} {package.version}") from None
    tarball = _get(address, npmrc)
    if not _is_intact(tarball, package.integrity):
        raise CannotFetch(f"{package.name} {package.version} is not what package-lock.json records")
    _unpack(package, tarball)


def _get(address: str, npmrc: Npmrc) -> bytes:
    """Get an address, trying again what may pass."""
    # The short form of a package's document, which every registry that npm speaks to offers.
    accept = "application/vnd.npm.install-v1+json, application/json;q=0.8, */*;q=0.5"
    request = urllib.request.Request(address, headers={"Accept": accept})  # noqa: S310  as set up
    problem: Exception | None = None
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(  # noqa: S310  the address is the machine's own setting
                request, timeout=TIMEOUT_S, context=npmrc.tls()
            ) as answer:
                return bytes(answer.read())
        except (OSError, http.client.HTTPException) as error:
            problem = error
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                break
    reason = getattr(problem, "reason", None) or problem
    raise CannotFetch(f"the npm registry did not answer ({reason})") from problem


def _is_intact(content: bytes, integrity: str) -> bool:
    """Compare content with an entry such as `sha512-BASE64`."""
    algorithm, _, expected = integrity.partition("-")
    digest = hashlib.new(algorithm, content).digest()
    return algorithm == "sha512" and base64.b64encode(digest).decode() == expected


def _unpack(package: Package, tarball: bytes) -> None:
    """Write the wanted files beside the target, then put them in its place at once."""
    new = package.target.with_name(package.target.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    unmatched = set(package.patterns)
    for path, executable, content in _members(tarball):
        matching = {p for p in package.patterns if fnmatch.fnmatchcase(str(path), p)}
        unmatched -= matching
        if matching:
            file = new / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o755 if executable else 0o644)
    if unmatched:
        raise CannotFetch(f"{package.name} {package.version} has no {', '.join(unmatched)}")
    (new / STAMP).write_text(package.stamp)
    shutil.rmtree(package.target, ignore_errors=True)
    new.rename(package.target)


def _members(tarball: bytes) -> Iterator[tuple[PurePosixPath, bool, bytes]]:
    """Give each plain file of a package, without the folder that npm wraps around all."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for member in archive:
            path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
            file = archive.extractfile(member) if member.isfile() else None
            if file and ".." not in path.parts and not path.is_absolute():
                yield path, bool(member.mode & 0o100), file.read()


def _say(text: str) -> None:
    """Talk to the person at the terminal."""
    sys.stderr.write(text + "\n")


def _fetch_all(missing: list[Package]) -> list[str]:
    """Fetch side by side; give the reasons of those that failed."""
    npmrc = read_npmrc(TOP)
    reasons = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
        jobs = {pool.submit(fetch, package, npmrc): package for package in missing}
        for number, job in enumerate(concurrent.futures.as_completed(jobs), 1):
            package = jobs[job]
            try:
                job.result()
                _say(f"  {number}/{len(jobs)} {package.name} {package.version}")
            except (CannotFetch, OSError, tarfile.TarError, ValueError) as error:
                reasons.append(str(error))
    return reasons


def main() -> int:
    """Bring static/vendor (or node_modules) to what the lock file says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dev", action="store_true", help="whole packages, into node_modules/")
    parser.add_argument("--check", action="store_true", help="only tell whether all is there")
    options = parser.parse_args()
    packages = dev_packages() if options.dev else vendor_packages()
    missing = [package for package in packages if not package.is_there()]
    if options.check or not missing:
        return 1 if missing else 0
    os.umask(0o022)
    reasons = _fetch_all(missing)
    if reasons:
        _say(f"Slipway could not fetch {len(reasons)} packages for the browser: {reasons[0]}.")
        _say("What was fetched stays; run the same command again when the network is there.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
