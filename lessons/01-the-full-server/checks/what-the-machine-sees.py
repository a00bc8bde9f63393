#!/usr/bin/python3
"""Runs in the machine: passes when the answer is the memory that this kernel sees, in MB."""

import json
import os
import re
import sys
from pathlib import Path

CLOSE_MB = 2  # free -m rounds down, other tools round up

facts = json.load(os.fdopen(3))
answer = re.sub(r"\D", "", facts["answers"].get("total-memory", ""))
total_kb = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
total = total_kb // 1024

print("Expected: the machine's whole memory in MB, as `free -m` says it there")
print(f"Found: {answer or 'no number'}")
if answer and abs(int(answer) - total) <= CLOSE_MB:
    sys.exit(0)
print("Try: run `free -m` in the machine. The number is in the row `Mem`, column `total`.")
sys.exit(1)
