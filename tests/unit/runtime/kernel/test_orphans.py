"""Whoever waits for orphans is told of them by a signal, and signals come while one is handled."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import TOP

STORM = """
import os, signal, subprocess, sys, threading, time
from runtime.kernel.orphans import Orphans

sys.setswitchinterval(1e-6)
Orphans().start()
end = time.monotonic() + 1

def storm():
    ears = [each.ident for each in threading.enumerate() if each.name == "orphans"]
    while time.monotonic() < end:
        os.kill(os.getpid(), signal.SIGCHLD)
        for ear in ears:
            signal.pthread_kill(ear, signal.SIGCHLD)

for _ in range(3):
    threading.Thread(target=storm, daemon=True).start()
while time.monotonic() < end:
    pass

# A child of a child that has ended is waited for as before.
subprocess.run(["sh", "-c", "sleep 0.1 &"])
children = f"/proc/self/task/{os.getpid()}/children"
deadline = time.monotonic() + 10
while open(children).read() and time.monotonic() < deadline:
    time.sleep(0.01)
print("alive", open(children).read())
"""


def test_many_ends_at_once_stop_nobody() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORM],
        capture_output=True, text=True, timeout=30, check=False, cwd=TOP,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("alive \n", 0), done.stderr[-500:]
