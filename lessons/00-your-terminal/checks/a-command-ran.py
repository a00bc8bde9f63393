#!/usr/bin/python3
"""Passes once the learner's shell has run a command; the shell notes each in its history."""

import sys
from pathlib import Path

HISTORIES = [Path("/lab/home/learner/.bash_history"), Path("/lab/root/.bash_history")]

commands = [
    line
    for path in HISTORIES
    if path.is_file()
    for line in path.read_text(errors="replace").splitlines()
    if line.strip()
]
print("Expected: one command that you ran in your terminal")
if commands:
    print(f"Found: {commands[-1]}")
    sys.exit(0)
print("Found: none yet")
print("Try: type `whoami`, press Enter, then check again.")
sys.exit(1)
