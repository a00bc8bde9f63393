"""A workshop on a whole server: real labs from joining to the end, as browsers speak HTTP."""

from __future__ import annotations

import http.cookiejar
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import TOP
from tests.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Server


class Visitor:
    """A browser without a screen: cookies, forms, redirects."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))
        self.text = ""
        self.place = ""

    @property
    def cookies(self) -> str:
        """As a browser sends them."""
        return "; ".join(f"{each.name}={each.value}" for each in self._jar)

    def get(self, path: str) -> int:
        return self._open(urllib.request.Request(urllib.parse.urljoin(self._url, path)))

    def fetch(self, path: str) -> bytes:
        """A file, as it came."""
        with self._opener.open(urllib.parse.urljoin(self._url, path), timeout=60) as answer:
            content: bytes = answer.read()
            return content

    def post(self, path: str, form: Mapping[str, Any], page: str = "/sign-in") -> int:
        self.get(page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.text)
        assert token, self.text[:500]
        data = urllib.parse.urlencode({**form, "csrf_token": token[1]}, doseq=True).encode()
        return self._open(urllib.request.Request(urllib.parse.urljoin(self._url, path), data))

    def _open(self, request: urllib.request.Request) -> int:
        try:
            with self._opener.open(request, timeout=30) as answer:
                self.text, self.place = answer.read().decode(), answer.url
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                self.text, self.place = error.read().decode(), error.url
                return error.code


def web_noun(server: Server, *words: str) -> str:
    """What a web's noun prints, run as `./slipway` runs it."""
    data = ["--data", str(server.instance.data_path)]
    done = subprocess.run(
        [sys.executable, "-m", "runtime", "as-web", *data, "--", *words],
        check=True,
        capture_output=True,
        text=True,
        cwd=TOP,
    )
    return done.stdout.strip()


def living(server: Server) -> list[str]:
    return [lab["key"] for lab in server.client.lab_list()]


@pytest.fixture(scope="module")
def ada(server: Server) -> Visitor:
    """Ada followed her one-time link, and is signed in."""
    link = urllib.parse.urlsplit(web_noun(server, "person", "instructor", "add", "ada")).path
    visitor = Visitor(server.url)
    password = {"password": "four words in a row", "again": "four words in a row"}
    assert visitor.post(link, password, page=link) == 200
    assert visitor.place.endswith("/workshops")
    return visitor


def open_workshop(ada: Visitor, places: int) -> tuple[str, str]:
    form = {"lessons": ["00-your-terminal"], "max_learners": places, "minutes": 60}
    assert ada.post("/workshops", {**form, "internet": "off"}) == 200
    code = re.search(r"[A-HJ-NP-Z]{3}-[A-HJ-NP-Z2-9]{3}", ada.text)
    assert code
    return code[0], ada.place


def test_a_learner_downloads_what_they_changed_and_nobody_elses(
    server: Server, ada: Visitor
) -> None:
    code, page = open_workshop(ada, 2)
    ben = Visitor(server.url)
    assert ben.post("/", {"code": code, "name": "ben"}, page="/") == 200
    (lab,) = wait_for(server.client.lab_list, "his lab", deadline_s=60)
    script = """
        echo mine > ~/notes
        ln -s /etc/shadow ~/link
        head -c 3000000 /dev/urandom > ~/big
        sudo useradd new
    """
    assert server.client.lab_prepare(lab["lab"], script)["code"] == 0
    with tempfile.TemporaryFile() as handout:
        handout.write(b"for you")
        handout.flush()
        put = [server.client.lab_put(lab["lab"], "a 'b' $(c).txt", handout.fileno()) for _ in "12"]
    assert put == [0, 0]  # each read from its beginning, and the second took the first's place
    with tarfile.open(fileobj=io.BytesIO(ben.fetch("/work/files.tar.gz"))) as archive:
        names = archive.getnames()
        (notes,) = [name for name in names if name.endswith("/notes")]
        file = archive.extractfile(notes)
        assert file is not None
        assert file.read() == b"mine\n"
        handed = archive.extractfile(notes.replace("notes", "from-instructor/a 'b' $(c).txt"))
        assert handed is not None
        assert handed.read() == b"for you"
        assert archive.getmember(notes.replace("notes", "big")).size == 3000000
        assert archive.getmember(notes.replace("notes", "link")).linkname == "/etc/shadow"
    assert "work/etc/passwd" in names
    untouched = {
        "work/etc/hostname",
        "work/bin/bash",
        "work/usr/bin/bash",
        "work/etc/debian_version",
    }
    assert not untouched & set(names)
    assert not [name for name in names if name.startswith(("work/proc/", "work/sys/", "work/dev/"))]
    assert ada.post(f"{page}/end", {}, page=f"{page}/end") == 200


def test_a_class_that_joins_at_once_has_a_lab_each_and_none_after_the_end(
    server: Server, ada: Visitor
) -> None:
    code, page = open_workshop(ada, 6)

    def come(number: int) -> int:
        return Visitor(server.url).post("/", {"code": code, "name": f"learner {number}"}, page="/")

    with ThreadPoolExecutor(6) as class_room:
        assert list(class_room.map(come, range(6))) == [200] * 6
    wait_for(lambda: len(living(server)) == 6, "six labs", deadline_s=60)
    assert len(set(living(server))) == 6
    assert ada.post(f"{page}/end", {}, page=f"{page}/end") == 200
    wait_for(lambda: living(server) == [], "the end of six labs", deadline_s=30)
    ada.get(page)
    assert "This workshop is over." in ada.text
    assert ada.text.count("<bdi>learner ") == 6


def test_a_web_that_was_killed_knows_learners_and_labs_again(server: Server, ada: Visitor) -> None:
    code, page = open_workshop(ada, 2)
    ben = Visitor(server.url)
    assert ben.post("/", {"code": code, "name": "ben"}, page="/") == 200
    wait_for(lambda: len(living(server)) == 1, "ben's lab", deadline_s=30)
    before = server.client.lab_list()[0]["lab"]
    web = child_of(server, "webapp")
    os.kill(web, signal.SIGKILL)
    wait_for(lambda: child_of(server, "webapp") not in {0, web}, "another web", deadline_s=30)
    wait_for(lambda: health(server.url)[0] == 200, "its answer", deadline_s=30)
    assert ben.get("/lab") == 200
    assert "/lab/00-your-terminal/" in ben.place
    assert [lab["lab"] for lab in server.client.lab_list()] == [before]
    assert ada.post(f"{page}/end", {}, page=f"{page}/end") == 200
    wait_for(lambda: living(server) == [], "the end of ben's lab", deadline_s=30)


def test_the_pages_say_that_the_runtime_is_away_and_go_on_when_it_is_back(
    server: Server, ada: Visitor
) -> None:
    os.kill(server.pid, signal.SIGSTOP)  # else the supervisor brings it back before we look
    try:
        os.kill(child_of(server, "runtime"), signal.SIGKILL)
        wait_for(lambda: health(server.url)[0] == 503, "a word of it", deadline_s=10)
        assert "labs is away" in health(server.url)[1]["reason"]
        assert ada.get("/workshops") == 200
        assert "Labs are away" in ada.text
        code, page = open_workshop(ada, 2)
        ben = Visitor(server.url)
        assert ben.post("/", {"code": code, "name": "ben"}, page="/") == 200
        assert ben.get("/lab") == 200
    finally:
        os.kill(server.pid, signal.SIGCONT)
    wait_for(lambda: health(server.url)[0] == 200, "labs again", deadline_s=60)
    assert ada.post(f"{page}/end", {}, page=f"{page}/end") == 200


def test_a_workshop_of_the_command_line_is_taken_up_and_ends_the_demo(
    server: Server, ada: Visitor
) -> None:
    facts = json.loads(web_noun(server, "workshop", "create", "--json", "--learners", "1"))
    chi = Visitor(server.url)
    assert chi.post("/", {"code": facts["code"], "name": "chi"}, page="/") == 200
    wait_for(lambda: len(living(server)) == 1, "chi's lab", deadline_s=30)
    page = urllib.parse.urlsplit(facts["page"]).path
    assert ada.post(f"{page}/end", {}, page=f"{page}/end") == 200
    wait_for(lambda: living(server) == [], "the end of chi's lab", deadline_s=30)


@pytest.mark.parametrize(("origin", "status"), [("same", 101), ("http://elsewhere.example", 403)])
def test_a_socket_opens_for_our_own_pages_only_and_without_compression(
    server: Server, ada: Visitor, origin: str, status: int
) -> None:
    place = urllib.parse.urlsplit(server.url)
    head = (
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
        f"Host: {place.netloc}",
        f"Cookie: {ada.cookies}",
        f"Origin: {server.url if origin == 'same' else origin}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Extensions: permessage-deflate",
    )
    with socket.create_connection((str(place.hostname), place.port or 80), timeout=10) as plain:
        plain.sendall("\r\n".join([*head, "", ""]).encode())
        answer = plain.recv(4096).decode(errors="replace")
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "permessage-deflate" not in answer


def health(url: str) -> tuple[int, dict[str, Any]]:
    """What /healthz says; 0 when nothing answers."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except OSError:
        return 0, {}


def child_of(server: Server, module: str) -> int:
    """The server's process that runs a module; 0 while there is none."""
    for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if module.encode() in words and b"keeper" not in words:
            return int(child)
    return 0
