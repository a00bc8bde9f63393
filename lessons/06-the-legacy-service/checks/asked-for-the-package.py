#!/usr/bin/python3
"""Passes once the learner asked for the package of the old PHP; no release has it."""

import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""

print("Expected: apt, asked for the package `php5.6`")
if re.search(r"\bapt(-cache|-get)? .*\bphp5", typed):
    print("Found: you asked, and this release has none")
    sys.exit(0)
print("Found: it was not asked yet")
print("Try: run `apt-cache policy php5.6`, then check again.")
sys.exit(1)
