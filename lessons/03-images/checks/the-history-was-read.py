#!/usr/bin/python3
"""Passes once the history of `web` was asked for."""

import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""

print("Expected: the history of the image `web`, read in your terminal")
if re.search(r"\b(docker|podman) (image )?history\b.*\bweb\b", typed):
    print("Found: you asked for it")
    sys.exit(0)
print("Found: `docker history web` was not run yet")
print("Try: run `docker history web`, then check again.")
sys.exit(1)
