#!/usr/bin/python3
"""Passes once a command was run in `c1` by exec and its log, which holds a request, was read.

The log is read from where the learner's engine keeps it.
"""

import json
import re
import sys
from pathlib import Path
from typing import NoReturn

HISTORY = Path("/lab/home/learner/.bash_history")
KEPT = Path("/lab/var/lib/engine/overlay-containers")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
listed = KEPT / "containers.json"
rows = json.loads(listed.read_text()) if listed.exists() else []
ids = [each["id"] for each in rows if "c1" in each["names"]]
log = KEPT / ids[0] / "userdata/ctr.log" if ids else None
said = log.read_text(errors="replace") if log and log.exists() else ""


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


print("Expected: a command in `c1`, a page that it gave out, and its log")
if not re.search(r"\b(docker|podman) (container )?exec\b.*\bc1\b", typed):
    stop("no command was run in `c1` yet", "run `docker exec c1 ps`.")
if "response:200" not in said:
    stop(
        "its log tells of no page yet",
        "run `docker exec c1 wget -q -O - http://localhost:8000/`.",
    )
if not re.search(r"\b(docker|podman) (container )?logs\b.*\bc1\b", typed):
    stop("the log was not read yet", "run `docker logs c1`.")
print("Found: a command, a page and the log")
