"""The web's nouns, run as the web is by one process for each server: its start costs a second.

It comes up as `./slipway workshop …` does, with the same user, walls and settings, then has a child
of its own carry out each command. That each of them comes up by itself is proved in
`tests/integration/test_supervisor_nouns.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import TOP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from tests.conftest import Server

# Within the web's walls: a line is a command, and so is its answer. Lessons are read once.
WITHIN = """
import functools, json, os, sys
from webapp.cli import workshop
from webapp.cli.main import run
from webapp.settings import read_settings
os.umask(0o077)
workshop.load_library = functools.cache(workshop.load_library)
workshop.load_library(read_settings(os.environ).lessons)
for line in sys.stdin:
    fds = [os.memfd_create(name) for name in ("said", "errors")]
    pid = os.fork()
    if pid == 0:
        for number, fd in enumerate(fds, 1):
            os.dup2(fd, number)
        sys.argv = ["webapp.cli", *json.loads(line)]
        run()
        sys.exit()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said, errors = (os.pread(fd, os.fstat(fd).st_size, 0).decode() for fd in fds)
    print(json.dumps([code, said, errors]), flush=True)
    for fd in fds:
        os.close(fd)
"""
# As root: the noun `as-web`, but for what it runs.
AROUND = f"""
import dataclasses, sys
from pathlib import Path
from runtime import as_web, settings
from runtime.rows import Plan
usual = Plan.web_noun
def lasting(plan, words):
    row = usual(plan, words)
    return dataclasses.replace(row, argv=(row.argv[0], "-c", {WITHIN!r}))
Plan.web_noun = lasting
as_web.as_web(settings.load({{"data": Path(sys.argv[1])}}), ())
"""


class Nouns:
    """The web's nouns beside a running server, until the block is left."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Nouns:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.communicate()
            assert self._process.returncode == 0

    def __call__(self, *words: str) -> str:
        """Run one of them to its end; what it prints."""
        process = self._process = self._process or _begin(self._server)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(words) + "\n")
        process.stdin.flush()
        code, said, errors = json.loads(process.stdout.readline())
        assert code == 0, errors
        return str(said)


def _begin(server: Server) -> subprocess.Popen[str]:
    words: Sequence[str] = (sys.executable, "-c", AROUND, str(server.instance.data_path))
    return subprocess.Popen(
        words,
        env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONSAFEPATH": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
