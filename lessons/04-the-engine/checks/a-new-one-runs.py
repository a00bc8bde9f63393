#!/usr/bin/python3
"""Passes when `c1` was removed and made again: it runs, and has none of the first one's file.

Its layer is read from where the learner's engine keeps it.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

HISTORY = Path("/lab/home/learner/.bash_history")
STORE = Path("/lab/var/lib/engine")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
engine = json.load(os.fdopen(3))["engine"]
found = next((each for each in engine["containers"] if each["name"] == "c1"), None)


def layer(name: str) -> Path | None:
    """Where the engine keeps what a container has written."""
    listed = STORE / "overlay-containers/containers.json"
    for each in json.loads(listed.read_text()) if listed.exists() else []:
        if name in each["names"]:
            return STORE / "overlay" / each["layer"] / "diff"
    return None


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


print("Expected: a file written in `c1`, that container removed, and a new `c1` without the file")
if not re.search(r"\b(docker|podman) (container )?exec\b.*\bc1\b.*/srv/mine\b", typed):
    stop("no file was written in `c1` yet", "run `docker exec c1 touch /srv/mine`.")
if not re.search(r"\b(docker|podman) (container )?rm\b.*\bc1\b", typed):
    stop("the first `c1` was not removed yet", "run `docker rm -f c1`.")
if found is None or found["state"] != "running":
    stop("no `c1` runs", "run `docker run -d --name c1 web`.")
path = layer("c1")
if path is None or os.path.lexists(path / "srv/mine"):
    stop("`c1` has the file", "remove it with `docker rm -f c1`, and make a new one.")
print("Found: a new `c1`, and no trace of the file")
