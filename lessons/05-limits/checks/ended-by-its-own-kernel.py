#!/usr/bin/python3
"""Runs in the machine: passes once its own kernel has ended a program for memory."""

import json
import os
import sys
from pathlib import Path

facts = json.load(os.fdopen(3))
counters = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
killed = int(counters.get("oom_kill", 0))
total_kb = int(Path("/proc/meminfo").read_text().split()[1])
by_server = facts["limits"]["memory_kills"]

print("Expected: a program that the machine's own kernel ended for memory")
if killed:
    print(f"Found: it ended {killed}, with {total_kb // 1024} MB in all;")
    print(f"the server's kernel counted {by_server}, all of them in your container")
    sys.exit(0)
print(f"Found: none yet; its kernel knows of {total_kb // 1024} MB")
print("Try: run `tail /dev/zero` in the machine's terminal, then check again.")
sys.exit(1)
