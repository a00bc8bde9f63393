#!/usr/bin/python3
"""Passes once the container has used up its share of processor time and waited for the next one."""

import json
import os
import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
facts = json.load(os.fdopen(3))
throttled, cores = facts["limits"]["cpu_throttled"], facts["limits"]["cpu_cores"]
share = f"{cores:g} core" + ("" if cores == 1 else "s")
of_server = os.cpu_count() or 1

print("Expected: a moment at which your container had to wait for its next share")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
# What waited before this step, such as the many programs of the last one, says nothing.
if not re.search(r"sha256sum /dev/zero.*&", typed):
    print("Found: two programs that compute side by side were not started yet")
    print("Try: run the command with the two programs, wait for the prompt, then check again.")
    sys.exit(1)
if throttled:
    print(f"Found: it waited in {throttled} periods, at {share}; no program was ended for it")
    sys.exit(0)
if of_server <= cores:
    print(f"Found: this server has {of_server} in all, so your limit held nothing back")
    sys.exit(0)
if os.getloadavg()[0] > of_server:
    print(f"Found: the server is so busy now that nobody gets {share} for long;")
    print("you computed, and what held you back were the others")
    sys.exit(0)
print(f"Found: it never reached its {share} yet")
print("Try: run the command with the two programs again, wait for the prompt, then check again.")
sys.exit(1)
