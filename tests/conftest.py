"""Real things for tests: instances, the image, a daemon, a whole server; and what they leave.

Every instance that a test makes is looked for on this machine when the session ends: a mount, a
link, a cgroup, a process or a file in /run that is still there fails the run.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from runtime.client import Client, Problem
from runtime.image.build import Builder
from runtime.image.definition import DEFINITIONS
from runtime.image.store import Image, Store
from runtime.instance import Instance
from tests.leftovers import leftovers_of
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

TOP = Path(__file__).resolve().parents[1]
CACHE = Path("/var/cache/slipway")
BASE = "slipway/base"
ENGINE = "slipway/engine"
STOP_S = 30.0
UNUSED_S = 7 * 86400
# Files that take long: begun last, one worker would still be at it when the others
# have nothing left to do.
LONGEST = {
    "test_attacks_on_engine.py",
    "test_attacks_on_resources.py",
    "test_attacks_on_the_kernel.py",
    "test_compare.py",
    "test_dockerfile.py",
    "test_everyone.py",
    "test_learner.py",
    "test_lessons.py",
    "test_survival.py",
    "test_terminal_page.py",
}
# Files whose tests look at labs of their own only. Each start and end of a daemon costs a second.
SHARING = {
    "test_attacks_on_engine.py",
    "test_attacks_on_resources.py",
    "test_attacks_on_the_kernel.py",
    "test_engine.py",
    "test_image_bombs.py",
    "test_lab_checks.py",
    "test_lab_isolation.py",
    "test_lab_limits.py",
    "test_lab_network.py",
    "test_lab_small_limits.py",
    "test_lab_walls.py",
    "test_limit_news.py",
    "test_own_figures.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; browsers stay behind all others, as where both run they must."""
    items.sort(key=lambda item: ("browser" in item.path.parts, item.path.name not in LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Put what this worker's servers said last beside the test that failed."""
    report = yield
    if report.failed:
        report.sections += [
            (f"log of {server.instance.data_path}", server.log()) for server in Server.running
        ]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's own
    """Print a line for each attack: what stopped it, and what a neighbour felt (in how many times).

    Here and not with the attacks, since this file alone is read by the process that prints.
    """
    reports = [report for group in terminalreporter.stats.values() for report in group]
    rows = [
        text.split("\t")
        for report in reports
        for name, text in getattr(report, "user_properties", ())
        if name == "attack" and report.when == "teardown"
    ]
    if rows:
        heads = ["attack", "what stopped it", "keys", "work", "disk"]
        widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
        terminalreporter.section("attacks: the witness's times, under attack / in peace")
        for row in [heads, *sorted(rows)]:
            line = "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True))
            terminalreporter.write_line(line.rstrip())


@pytest.fixture(scope="session")
def make_instance() -> Iterator[Callable[[], Instance]]:
    """Make data folders that are gone, and watched, after the session.

    Not below pytest's own folder: that is closed to others, and a learner's processes pass here.
    """
    top = Path(tempfile.mkdtemp(prefix="slipway-test-", dir="/var/tmp"))
    top.chmod(0o755)
    made: list[Instance] = []

    def make() -> Instance:
        instance = Instance.at(top / f"data{len(made)}")
        made.append(instance)
        return instance

    yield make
    rest = {instance.id: found for instance in made if (found := leftovers_of(instance))}
    if not rest:
        subprocess.run(["rm", "-rf", "--one-file-system", str(top)], check=True)
    assert not rest, f"left on this machine: {rest}"


@pytest.fixture
def instance(make_instance: Callable[[], Instance]) -> Instance:
    """A server's paths, for one test; nothing runs there yet."""
    return make_instance()


@pytest.fixture(scope="session")
def base_image() -> Image:
    """The real image, built once on a machine and kept for later runs and other workers."""
    return _kept("base").build(BASE, lambda _step, _percent: None)


@pytest.fixture(scope="session")
def engine_image(base_image: Image) -> Image:
    """The image for containers within labs, kept as the other, which it is made from."""
    builder = _kept("base", "engine")
    with suppress(FileExistsError):  # another run did, or another worker just now
        lend(base_image, builder.store)
    return builder.build(ENGINE, lambda _step, _percent: None)


def _kept(*names: str) -> Builder:
    """What builds into a folder of this machine's that is the same as long as the sources are."""
    digest = hashlib.sha256()
    guest = sorted((TOP / "runtime/machine/guest").iterdir())
    for path in (*guest, TOP / "runtime/image/boot.py", TOP / "runtime/image/initramfs.py"):
        digest.update(path.read_bytes())
    for source in (DEFINITIONS / name for name in names):
        for path in sorted(source.rglob("*")):
            if path.is_file():
                digest.update(str(path.relative_to(source)).encode() + path.read_bytes())
    suite = Path("/etc/os-release").read_bytes()
    digest.update(suite + (TOP / "runtime/image/build.py").read_bytes())
    store = Store(CACHE / f"images-{digest.hexdigest()[:12]}")
    store.path.mkdir(parents=True, exist_ok=True)
    os.utime(store.path)
    for other in CACHE.glob("images-*"):
        if time.time() - other.stat().st_mtime > UNUSED_S:
            shutil.rmtree(other, ignore_errors=True)
    return Builder(store)


def lend_image(image: Image, instance: Instance) -> None:
    """Give an instance the image that is built already."""
    lend(image, Store(instance.images_path))


def lend(image: Image, store: Store) -> None:
    """Give a store the image that is built already."""
    place = store.place(image.name)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(image.rootfs_path.parent)


class Server:
    """One of the processes of a server, started as `./slipway` starts it.

    Attributes:
        instance: whose it is.
        client: for the runtime's verbs.
        url: where the web listens; empty for the daemon alone.
        program: what Python runs, with words before its own.
        running: those that this process started and has not closed.
    """

    running: ClassVar[list[Server]] = []

    def __init__(self, instance: Instance, *words: str, url: str = "") -> None:
        self.instance = instance
        self.url = url
        self.client = Client(instance.runtime_socket)
        self.log_path = instance.data_path.with_suffix(".log")
        self.program: tuple[str, ...] = ("runtime",)
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def is_running(self) -> bool:
        """Whether it has neither ended nor been killed."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        environ = {**os.environ, "PYTHONPATH": str(TOP), "PYTHONSAFEPATH": "1"}
        # Ports of its own: another worker's server takes what is free while previews restart.
        environ["SLIPWAY_PREVIEW_PORT"] = str(preview_port())
        if self not in self.running:
            self.running.append(self)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self.program, *self._words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environ,
                start_new_session=True,
            )
        wait_for(self._answers, "an answer of the server", deadline_s=60)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        if not self.url:
            return self._is_ready()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _is_ready(self) -> bool:
        try:
            return bool(self.client.status()["ready"])
        except Problem:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; gives the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it did not end within {STOP_S} s: {self.log()}") from None

    def close(self) -> None:
        """End it, if it still runs."""
        if self in self.running:
            self.running.remove(self)
        if self._process is not None and self._process.poll() is None:
            self.stop()

    def log(self) -> str:
        """The end of what it said."""
        return self.log_path.read_text(errors="replace")[-4000:]


@pytest.fixture(scope="session")
def shared_runtime(make_instance: Callable[[], Instance], base_image: Image) -> Iterator[Server]:
    """The daemon of the files in `SHARING` that one worker runs, one after another."""
    yield from _daemon(make_instance(), base_image)


def _daemon(instance: Instance, base_image: Image) -> Iterator[Server]:
    lend_image(base_image, instance)
    server = Server(instance, "serve", "--data", str(instance.data_path), "--end-labs")
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def runtime(
    request: pytest.FixtureRequest, make_instance: Callable[[], Instance], base_image: Image
) -> Iterator[Server]:
    """A real daemon with the real image, for the tests of one file; its labs end with it."""
    if request.path.name not in SHARING:
        yield from _daemon(make_instance(), base_image)
        return
    shared: Server = request.getfixturevalue("shared_runtime")
    yield shared
    if not shared.is_running():
        shared.start()
    for lab in shared.client.lab_list():
        shared.client.lab_remove(lab["lab"])


@pytest.fixture(scope="module")
def engine_runtime(runtime: Server, engine_image: Image) -> Server:
    """The same daemon, with the image for containers within labs."""
    if not Store(runtime.instance.images_path).has(ENGINE):
        lend_image(engine_image, runtime.instance)
    return runtime


@pytest.fixture(scope="module")
def server(make_instance: Callable[[], Instance], base_image: Image) -> Iterator[Server]:
    """A whole server on a port of its own, for the tests of one file; its labs end with it."""
    with whole_server(make_instance(), base_image, "--end-labs") as server:
        yield server


@contextmanager
def whole_server(
    instance: Instance, image: Image, *words: str, host: str = "127.0.0.1"
) -> Iterator[Server]:
    """A whole server on a port of its own, started with these words more."""
    lend_image(image, instance)
    port = free_port()
    up = ["up", "--data", str(instance.data_path), "--host", host, "--port", str(port)]
    server = Server(instance, *up, *words, url=f"http://{host}:{port}")
    try:
        server.start()
        yield server
    finally:
        server.close()


def slipway(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run one of the nouns of `./slipway` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "runtime.cli", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def cli(server: Server, noun: str, *words: str) -> subprocess.CompletedProcess[str]:
    """The same, for a running server."""
    return slipway(noun, *words, f"--data={server.instance.data_path}")


_claims: list[socket.socket] = []


def _claim(what: str) -> bool:
    """Make a number this process's until it ends; false where another one has it."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0slipway-test-{what}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


@functools.cache
def preview_port() -> int:
    """The first of a hundred ports for the previews of this process's servers."""
    blocks = (number % 100 for number in range(os.getpid(), os.getpid() + 100))
    return 20200 + 100 * next(block for block in blocks if _claim(f"previews-{block}"))


def free_port() -> int:
    """A port that nobody listens on, below those that the kernel hands out by itself.

    It is this process's until it ends: between this look and the server's start another worker
    may look too, and would then take that server's answers for its own server's.
    """
    for port in range(18000 + os.getpid() % 1000, 20000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if _claim(f"port-{port}"):
                return port
    raise AssertionError("no free port")
