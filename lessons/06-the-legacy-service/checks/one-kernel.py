#!/usr/bin/python3
"""Passes once both containers were asked for their kernel, and their pages name this one."""

import os
import re
import sys
from pathlib import Path
from typing import NoReturn
from urllib.error import URLError
from urllib.request import urlopen

HISTORY = Path("/lab/home/learner/.bash_history")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
kernel = os.uname().release


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


def page_at(port: int) -> str:
    """What is served there."""
    try:
        return urlopen(f"http://127.0.0.1:{port}/", timeout=3).read(65536).decode(errors="replace")
    except (OSError, URLError):
        stop(f"nothing answers on port {port}", "start `old` and `new` as in the steps before.")


print("Expected: both containers, asked for their kernel, and the same answer")
for name in ("old", "new"):
    if not re.search(rf"\b(docker|podman) (container )?exec\b.*\b{name}\b.*\buname\b", typed):
        stop(f"`{name}` was not asked yet", f"run `docker exec {name} uname -r`.")
for port in (8056, 8080):
    if kernel not in page_at(port):
        stop(f"the page on port {port} names another kernel", "write its page as in step 2.")
print(f"Found: {kernel} in both, which is the kernel of your lab")
