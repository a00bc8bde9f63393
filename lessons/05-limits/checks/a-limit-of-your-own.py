#!/usr/bin/python3
"""Runs in the machine: passes once a group with a limit of the learner's has met it."""

import sys
from pathlib import Path

TOP = Path("/sys/fs/cgroup")
MOST_BYTES = 128 * 1024 * 1024

print("Expected: a group of your own with a memory limit that ended a program")
limited = {}
for path in TOP.glob("*/memory.max"):
    limit = path.read_text().strip()
    if limit.isdecimal() and int(limit) <= MOST_BYTES:
        limited[path.parent] = int(limit)
for group, limit in limited.items():
    events = dict(line.split() for line in (group / "memory.events").read_text().splitlines())
    if int(events["oom_kill"]):
        size = limit // 1024**2
        print(f"Found: `{group.name}` ended {events['oom_kill']}, at a limit of {size} MB")
        sys.exit(0)
if limited:
    print("Found: the limit is set, and nothing has met it yet")
    print("Try: run the command with `tail` in the machine, then check again.")
else:
    print("Found: no group has a limit yet")
    print("Try: run the commands of the text in the machine's terminal, from `mkdir` on.")
sys.exit(1)
