#!/usr/bin/python3
"""Passes once uptime and load were asked for; measures server and container side by side."""

import os
import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
WANTED = {"uptime": r"\b(uptime|w|top)\b", "cat /proc/loadavg": r"/proc/loadavg\b"}
START_FIELD = 19  # of /proc/PID/stat, counted after the name; in clock ticks since boot


def minutes(seconds: float) -> str:
    """Words for a time, whole minutes are enough."""
    whole = int(seconds // 60)
    return f"{whole} min" if whole else "less than a minute"


server_s = float(Path("/proc/uptime").read_text().split()[0])
stat = Path("/proc/1/stat").read_text().rpartition(")")[2].split()
container_s = server_s - int(stat[START_FIELD]) / os.sysconf("SC_CLK_TCK")

typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
missing = [command for command, pattern in WANTED.items() if not re.search(pattern, typed)]

print("Expected: `uptime` and `cat /proc/loadavg`, run in your terminal")
if not missing:
    print(f"Found: the kernel has run for {minutes(server_s)},")
    print(f"the first process of your container for {minutes(container_s)}")
    sys.exit(0)
print(f"Found: `{missing[0]}` was not run yet")
print(f"Try: run `{missing[0]}`, then check again.")
sys.exit(1)
