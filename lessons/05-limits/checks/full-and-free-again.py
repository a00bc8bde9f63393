#!/usr/bin/python3
"""Passes once the container's disk was full, and there is room on it again."""

import json
import os
import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
ROOM = 0.2  # of the disk: an editor, a package and some more fit

usage = json.load(os.fdopen(3))["usage"]
limit, used = usage["disk_limit_bytes"], usage["disk_bytes"]

print("Expected: a disk that was full once, and has room again")
if limit is None:
    print("Found: this server gives your container no disk of its own size, so nothing could fill")
    sys.exit(0)
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
# Who cleans up at once is quicker than the one who looks whether a disk is full.
was_full = usage["disk_full"] or re.search(r"\b(head|dd|yes|cat|fallocate)\b.*\bbig\b", typed)
size = f"{min(used, limit) / 1024**2:.0f} of {limit / 1024**2:.0f} MB"
if not was_full:
    print(f"Found: it was not full yet; {size} are used")
    print("Try: run `head -c 2G /dev/zero > ~/big`, then check again.")
    sys.exit(1)
if limit - used < ROOM * limit:
    print(f"Found: it is still nearly full, {size} are used")
    print("Try: run `rm ~/big`, then check again.")
    sys.exit(1)
print(f"Found: it was full, and has room again: {size} are used")
