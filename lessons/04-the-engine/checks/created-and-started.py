#!/usr/bin/python3
"""Passes when `c1` runs, and was created before it was started."""

import json
import os
import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
engine = json.load(os.fdopen(3))["engine"]
found = next((each for each in engine["containers"] if each["name"] == "c1"), None)

print("Expected: a container `c1` that was created, then started, and runs")
if found is None:
    print("Found: no container of that name")
    print("Try: run `docker create --name c1 web`, then check again.")
    sys.exit(1)
if not re.search(r"\b(docker|podman) (container )?create\b.*\bc1\b", typed):
    print("Found: `c1` is there, but not by `docker create`")
    print("Try: remove it with `docker rm -f c1`, and make it with `docker create --name c1 web`.")
    sys.exit(1)
if found["state"] == "running":
    print("Found: `c1` runs")
    sys.exit(0)
print(f"Found: `c1` is {found['state']}")
print("Try: run `docker start c1`, then check again.")
sys.exit(1)
