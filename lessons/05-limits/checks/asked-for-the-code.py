#!/usr/bin/python3
"""Passes once somebody asked how a command ended, and the kernel had killed one."""

import json
import os
import re
import sys
from pathlib import Path

HISTORY = Path("/lab/home/learner/.bash_history")
facts = json.load(os.fdopen(3))
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
has_asked = re.search(r"\$\?", typed) is not None

print("Expected: a program that was ended at the memory limit, and its number asked with `$?`")
if not facts["limits"]["memory_kills"]:
    print("Found: no program was ended for memory yet")
    print("Try: run the command of the text, then check again.")
    sys.exit(1)
if not has_asked:
    print("Found: `$?` was not asked for yet")
    print('Try: run `tail /dev/zero; echo "ended with $?"`, then check again.')
    sys.exit(1)
print("Found: you asked; 137 is 128 + 9, and signal 9 is KILL")
