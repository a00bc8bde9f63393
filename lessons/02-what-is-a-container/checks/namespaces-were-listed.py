#!/usr/bin/python3
"""Passes once the learner has listed namespaces; says which one this container shares."""

import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
FIRST_TIME_NAMESPACE = "time:[4026531834]"  # the kernel's own, fixed since it has them

typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
print("Expected: the namespaces of your shell, listed in your terminal")
if "/ns" not in typed:
    print("Found: they were not listed yet")
    print("Try: run `ls -l /proc/self/ns`, then check again.")
    sys.exit(1)
own = str(Path("/proc/self/ns/time").readlink())
print(f"Found: listed; `{own}` is", "the server's own" if own == FIRST_TIME_NAMESPACE else "not")
sys.exit(0)
