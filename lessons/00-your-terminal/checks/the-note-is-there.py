#!/usr/bin/python3
"""Passes once the learner's home folder holds a file `note` with something in it."""

import sys
from pathlib import Path

NOTE = Path("/lab/home/learner/note")

print("Expected: a file `note` in your home folder, with a word in it")
if NOTE.is_file() and not NOTE.is_symlink() and NOTE.stat().st_size:
    print(f"Found: `note`, {NOTE.stat().st_size} bytes, on the server")
    sys.exit(0)
names = sorted(path.name for path in NOTE.parent.glob("[!.]*"))
if NOTE.name in names:
    print("Found: `note`, and it is empty")
else:
    print(f"Found: {', '.join(names[:5]) or 'no file of yours'}")
print("Try: run `echo hello > ~/note`, then check again.")
sys.exit(1)
