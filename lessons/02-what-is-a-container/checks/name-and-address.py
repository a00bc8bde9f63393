#!/usr/bin/python3
"""Passes once name and devices were asked for; shows the name that the lab has now."""

import re
import socket
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
WANTED = {"hostname": r"\b(hostname|uname|hostnamectl)\b", "ip -br addr": r"\b(ip|ifconfig)\b"}

typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
missing = [command for command, pattern in WANTED.items() if not re.search(pattern, typed)]

print("Expected: `hostname` and `ip -br addr`, run in your terminal")
if not missing:
    print(f"Found: both, and the name is {socket.gethostname()}")
    sys.exit(0)
print(f"Found: `{missing[0]}` was not run yet")
print(f"Try: run `{missing[0]}`, then check again.")
sys.exit(1)
