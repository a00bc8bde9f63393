#!/usr/bin/python3
"""Runs in the machine: passes once a group with a memory limit has had a program ended by it."""

import sys
from pathlib import Path

GROUP = Path("/sys/fs/cgroup/box")
MOST_BYTES = 128 * 1024 * 1024

print("Expected: a group `box` with 64 MB, in which the kernel ended a program")
if not (GROUP / "memory.max").is_file():
    print(f"Found: {'a group without a memory limit' if GROUP.is_dir() else 'no group `box`'}")
    print("Try: run the commands of the text from `mkdir` on.")
    sys.exit(1)
limit = (GROUP / "memory.max").read_text().strip()
events = dict(line.split() for line in (GROUP / "memory.events").read_text().splitlines())
if limit == "max" or int(limit) > MOST_BYTES:
    print(f"Found: the limit is {limit}")
    print("Try: `echo 64M | sudo tee /sys/fs/cgroup/box/memory.max`.")
    sys.exit(1)
if int(events.get("oom_kill", 0)):
    print(f"Found: {events['oom_kill']} ended, at a limit of {int(limit) // 1024 // 1024} MB")
    sys.exit(0)
print("Found: the limit is set, and nothing has met it yet")
print("Try: start `hold.py` in the box, by the last command.")
sys.exit(1)
