#!/usr/bin/python3
"""Passes when the volume `kept` has a file, its first container is gone, and another runs."""

import json
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

HISTORY = Path("/lab/home/learner/.bash_history")
FILE = Path("/lab/var/lib/engine/volumes/kept/_data/mine")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
engine = json.load(os.fdopen(3))["engine"]
found = next((each for each in engine["containers"] if each["name"] == "c2"), None)


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


print("Expected: a file in the volume `kept`, though the container that wrote it is gone")
if not os.path.lexists(FILE):
    stop("no file `mine` in a volume `kept`", "run the first command of the text.")
if not re.search(r"\b(docker|podman) (container )?rm\b.*\bc2\b", typed):
    stop("the container that wrote it is still there", "run `docker rm -f c2`, and make it again.")
if found is None or found["state"] != "running":
    stop("no `c2` runs", "run `docker run -d --name c2 -v kept:/kept web`.")
print("Found: the file is there, and a new `c2` sees it")
