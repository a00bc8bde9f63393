#!/usr/bin/python3
"""Passes once the engine was asked for its version."""

import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""

print("Expected: the engine, asked for its name")
if re.search(r"\b(docker|podman) (version|--version|info)\b", typed):
    print("Found: you asked")
    sys.exit(0)
print("Found: `docker version` was not run yet")
print("Try: run `docker version`, then check again.")
sys.exit(1)
