#!/usr/bin/python3
"""Passes once `c1` was paused and goes on; with cgroup v1 once the engine refused to.

Only version 2 lets an engine that isn't root's freeze a container.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

HISTORY = Path("/lab/home/learner/.bash_history")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
engine = json.load(os.fdopen(3))["engine"]
found = next((each for each in engine["containers"] if each["name"] == "c1"), None)
can_freeze = Path("/lab/sys/fs/cgroup/cgroup.controllers").exists()


def asked(verb: str) -> bool:
    """Whether the learner asked the engine for this of `c1`."""
    return re.search(rf"\b(docker|podman) (container )?{verb}\b.*\bc1\b", typed) is not None


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


print("Expected: `c1`, paused and then running again")
if not asked("pause"):
    stop("it was not paused yet", "run `docker pause c1`.")
if not can_freeze:
    print("Found: you tried; this server's cgroups are of version 1, so the engine refused")
    sys.exit(0)
if found is None:
    stop("no container `c1`", "run `docker run -d --name c1 web`.")
if found["state"] == "paused":
    stop("`c1` stands still", "run `docker unpause c1`.")
if not asked("unpause") or found["state"] != "running":
    stop(f"`c1` is {found['state']}", "run `docker pause c1`, then `docker unpause c1`.")
print("Found: it stood still, and runs")
