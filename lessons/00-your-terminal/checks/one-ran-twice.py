#!/usr/bin/python3
"""Passes once some command stands twice in a row in the shell's history."""

import sys
from itertools import pairwise
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")

typed = HISTORY.read_text(errors="replace").splitlines() if HISTORY.is_file() else []
twice = [line for line, after in pairwise(typed) if line.strip() and line == after]

print("Expected: one command that ran twice in a row")
if twice:
    print(f"Found: {twice[-1]}, twice")
    sys.exit(0)
print(f"Found: {typed[-1]}, once" if typed else "Found: no command yet")
print("Try: press the arrow-up key, then Enter, then check again.")
sys.exit(1)
