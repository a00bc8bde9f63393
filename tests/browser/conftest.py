"""One Chromium a worker; a browser context a person; no console error goes unseen."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    StorageState,
    expect,
    sync_playwright,
)

from tests.browser.classroom import Classroom, a_classroom
from tests.browser.nouns import Nouns
from tests.browser.screens import SLOW_MS, Joined, join
from tests.conftest import Server, whole_server
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.image.store import Image
    from runtime.instance import Instance

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Files of learners alone, each in workshops of its own: one server a worker does for them, as its
# start and end cost half as much as a test.
SHARING = {
    "test_by_keyboard.py",
    "test_compare.py",
    "test_compare_page.py",
    "test_complaints.py",
    "test_container_page.py",
    "test_learner.py",
    "test_leaving.py",
    "test_lost_network.py",
    "test_paper.py",
    "test_preview.py",
    "test_terminal_keys.py",
    "test_terminal_page.py",
    "test_terminal_restore.py",
    "test_without_websockets.py",
}
LOST_WEBSOCKET = "WebSocket connection to "
GET_UP = pytest.StashKey["Callable[[], None]"]()
SCREEN_READER = "localStorage.setItem('slip-screen-reader', '1')"
# xterm.js tells a screen reader of a change at once, and of those that follow once a second. A test
# that waits for a screen waits for that clock only, so for tests it runs faster.
SOONER = """
const later = window.setTimeout;
window.sooner = 0;
window.setTimeout = (deed, ms, ...words) => {
    const isReader = String(deed).includes("_lastRefreshMs");
    if (isReader) window.sooner++;
    return later(deed, isReader ? ms / 5 : ms, ...words);
};
"""


class Person(Protocol):
    """Sits down at a browser of their own and opens a page."""

    def __call__(
        self,
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        touch: bool = False,
        may_lose_connection: bool = False,
        has_own_pace: bool = False,
        base_url: str = ...,
        state: StorageState | None = None,
    ) -> Page: ...


class SitDown(Protocol):
    """Puts a learner who has joined before at a page, with a script of the test's in it."""

    def __call__(
        self,
        *,
        script: str = ...,
        touch: bool = ...,
        may_lose_connection: bool = ...,
        has_own_pace: bool = ...,
    ) -> Joined: ...


class WebCommand(Protocol):
    """Runs one of the web's command-line verbs beside the running server."""

    def __call__(self, *words: str) -> str: ...


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What drives browsers; one a worker. Pages take their time on a busy machine."""
    expect.set_options(timeout=SLOW_MS)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def classroom() -> Iterator[Classroom]:
    """Where this worker's browsers run."""
    with a_classroom() as room:
        yield room


@pytest.fixture(scope="session")
def chromium(
    playwright: Playwright, classroom: Classroom, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Debian's own Chromium, headless."""
    program = classroom.browser(tmp_path_factory.mktemp("browser"))
    browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def shared_server(
    make_instance: Callable[[], Instance], base_image: Image, classroom: Classroom
) -> Iterator[Server]:
    """The server of the files in `SHARING` that one worker runs, one after another."""
    with serving(make_instance(), base_image, classroom, "--end-labs") as server:
        yield server


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest,
    make_instance: Callable[[], Instance],
    base_image: Image,
    classroom: Classroom,
) -> Iterator[Server]:
    """A whole server at the near end of the classroom's cable; its labs end with the file."""
    if request.path.name not in SHARING:
        with serving(make_instance(), base_image, classroom, "--end-labs") as own:
            yield own
        return
    shared: Server = request.getfixturevalue("shared_server")
    yield shared
    for lab in shared.client.lab_list():
        shared.client.lab_remove(lab["lab"])


@pytest.fixture(scope="session")
def shared_nouns(shared_server: Server) -> Iterator[Nouns]:
    """The web's command-line verbs beside the server that files share."""
    with Nouns(shared_server) as nouns:
        yield nouns


@pytest.fixture(scope="module")
def web_command(request: pytest.FixtureRequest, server: Server) -> Iterator[WebCommand]:
    """The web's command-line verbs."""
    if request.path.name in SHARING:
        yield request.getfixturevalue("shared_nouns")
        return
    with Nouns(server) as own:
        yield own


@contextmanager
def serving(
    instance: Instance, image: Image, classroom: Classroom, *words: str
) -> Iterator[Server]:
    """A whole server that a classroom reaches."""
    with whole_server(instance, image, *words, host=classroom.near) as server:
        yield server


@pytest.fixture
def person(chromium: Browser, server: Server, request: pytest.FixtureRequest) -> Iterator[Person]:
    """A person at a browser of their own: each call is a page in a fresh context.

    Its terminals are read as a screen reader reads them, so that switch is on; but sooner than one
    is told, unless the test is about that (`has_own_pace`).

    At the end, whatever a page wrote into its console as an error fails the test (`watched`);
    where a server is ended under a page, Chromium itself writes of refused connections.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def sit_down(
        *,
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        touch: bool = False,
        may_lose_connection: bool = False,
        has_own_pace: bool = False,
        base_url: str = server.url,
        state: StorageState | None = None,
    ) -> Page:
        context = chromium.new_context(
            base_url=base_url,
            locale="en-GB",
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            storage_state=state,
            has_touch=touch,
            is_mobile=touch,
        )
        context.set_default_timeout(SLOW_MS)
        context.add_init_script(SCREEN_READER)
        if not has_own_pace:
            context.add_init_script(SOONER)
        contexts.append(context)
        page = context.new_page()
        return page if may_lose_connection else watched(page, complaints)

    def get_up() -> None:
        while contexts:
            contexts.pop().close()
        assert complaints == []

    request.node.stash[GET_UP] = get_up
    yield sit_down
    sys.stderr.write(server.log())  # pytest shows it where the test failed
    while contexts:
        contexts.pop().close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """What a page complained of fails the test itself, so it's no error of what comes after it."""
    yield
    item.stash.get(GET_UP, lambda: None)()


def watched(page: Page, complaints: list[str]) -> Page:
    """Note what a page complains about.

    But not that a person opened an address that isn't there, nor that a websocket was lost or
    refused: labs end under their pages, which mend it or say why. Chromium alone writes of those.
    """
    opened: set[str] = set()

    def note(said: ConsoleMessage) -> None:
        if said.type != "error" or said.location["url"] in opened:
            return
        if not said.text.startswith(LOST_WEBSOCKET):
            complaints.append(f"{page.url}: {said.text}")

    page.on("request", lambda sent: opened.add(sent.url) if sent.is_navigation_request() else None)
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    return page


@pytest.fixture
def workshop(web_command: WebCommand) -> dict[str, Any]:
    """A workshop with all lessons: its `code`, `link` and `page`."""
    made: dict[str, Any] = json.loads(web_command("workshop", "create", "--json"))
    return made


@pytest.fixture(scope="module")
def seat(chromium: Browser, server: Server, web_command: WebCommand) -> StorageState:
    """A learner who has joined, for a whole file of tests: what their browser keeps."""
    made = json.loads(web_command("workshop", "create", "--json"))
    context = chromium.new_context(base_url=server.url, locale="en-GB")
    context.add_init_script(SCREEN_READER)
    join(context.new_page(), made["code"], "heron")
    state = context.storage_state()
    context.close()
    return state


def has_cleared(learner: Joined) -> bool:
    """End what the test before left, and clear the screen.

    A shell that is interrupted may drop a letter of what is typed just then, so it is asked again.
    """
    learner.page.keyboard.press("Control+C")
    learner.terminal.type("clear")
    try:
        wait_for(
            lambda: re.fullmatch(r"\S+\$", learner.terminal.text().strip()), "a prompt alone", 8
        )
    except AssertionError:
        return False
    return True


@pytest.fixture
def heron(person: Person, seat: StorageState) -> SitDown:
    """Sits that learner down at another browser: the same lab, a terminal with an empty screen."""

    def sit_down(
        *,
        script: str = "",
        touch: bool = False,
        may_lose_connection: bool = False,
        has_own_pace: bool = False,
    ) -> Joined:
        page = person(
            state=seat,
            touch=touch,
            may_lose_connection=may_lose_connection,
            has_own_pace=has_own_pace,
        )
        page.add_init_script(script)
        page.goto("/lab/00-your-terminal/01-a-prompt")
        learner = Joined(page, "heron", "")
        learner.terminal.wait_connected()
        learner.terminal.enter()
        wait_for(lambda: has_cleared(learner), "an empty screen", deadline_s=60)
        return learner

    return sit_down
