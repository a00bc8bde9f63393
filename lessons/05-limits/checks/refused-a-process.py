#!/usr/bin/python3
"""Passes once the kernel has refused this container a process."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
refused, limit = facts["limits"]["pids_refused"], facts["limits"]["pids"]
now = len(facts["processes"])

print("Expected: a process that was refused at the limit")
if refused:
    times = "once" if refused == 1 else f"{refused} times"
    print(f"Found: refused {times}, at {limit}; {now} processes run now")
    sys.exit(0)
print(f"Found: {now} processes run, {limit} may, and none was refused yet")
print("Try: run `python3 /lesson/many.py 500`, then check again.")
sys.exit(1)
