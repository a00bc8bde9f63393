#!/usr/bin/python3
"""Passes once `sleep` and `less` were started and neither of them runs any more."""

import json
import os
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
WAY_OUT = {"sleep": "Ctrl-C", "less": "q"}

facts = json.load(os.fdopen(3))
running = {process["comm"] for process in facts["processes"]}
typed = HISTORY.read_text(errors="replace").split("\n") if HISTORY.is_file() else []
started = {line.split()[0] for line in typed if line.strip()} | running

print("Expected: `sleep` and `less` were started, and neither runs now")
for name, key in WAY_OUT.items():
    if name in running:
        print(f"Found: `{name}` still runs")
        print(f"Try: click into the terminal and press {key}, then check again.")
        sys.exit(1)
for name in WAY_OUT:
    if name not in started:
        print(f"Found: `{name}` was not started yet")
        print(f"Try: run the command with `{name}` from the text, leave it, then check again.")
        sys.exit(1)
print("Found: both were started, both are gone, and your shell is still here")
