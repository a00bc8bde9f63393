#!/usr/bin/python3
"""Passes once the kernel has ended a process of this container for its memory limit."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
kills = facts["limits"]["memory_kills"]
limit = facts["limits"]["memory_bytes"] // 1024**2
shells = sum(each["comm"] == "bash" for each in facts["processes"])

print("Expected: a process that the kernel ended for the memory limit, and a shell that lives")
if kills and shells:
    times = "once" if kills == 1 else f"{kills} times"
    print(f"Found: it ended a process {times}, at {limit} MB; your shell is the one it was")
    sys.exit(0)
if not kills:
    print(f"Found: the limit of {limit} MB was not reached yet")
    print("Try: run `tail /dev/zero` and wait for the prompt, then check again.")
    sys.exit(1)
print("Found: no shell of yours runs")
print("Try: press Enter in the terminal for a new one, then check again.")
sys.exit(1)
