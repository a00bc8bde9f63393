#!/usr/bin/python3
"""Runs in the machine: passes while programs hold about 100 MB there and in the container."""

import json
import os
import re
import sys
from pathlib import Path

MB = 1024 * 1024
HELD_MB = 90  # of the 100: what a kernel counts is never exact

facts = json.load(os.fdopen(3))
anonymous_kb = int(re.search(r"AnonPages:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
container = (facts["meter"] or {}).get("container") or {}
held = {"machine": anonymous_kb // 1024, "container": (container.get("memory_bytes") or 0) // MB}

print("Expected: programs that hold 100 MB on both sides")
print(f"Found: machine {held['machine']} MB, container {held['container']} MB")
if min(held.values()) >= HELD_MB:
    sys.exit(0)
print("Try: run `python3 /lesson/hold.py 100 &` in both, wait some seconds, check again.")
sys.exit(1)
