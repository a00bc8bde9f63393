#!/usr/bin/python3
"""Passes when the answer names two of the walls that a box by hand hasn't."""

import json
import os
import re
import sys

WALLS = {
    "user namespace": r"user\s*-?name\s*space|userns|user\s+id|uid",
    "capabilities": r"capabilit|\bcaps?\b",
    "seccomp": r"seccomp|system\s*-?call|syscall",
    "masked paths": r"mask|/proc|/sys|read-?only path",
    "device rules": r"device|/dev",
    "AppArmor or SELinux": r"apparmor|selinux|\blsm\b",
}

facts = json.load(os.fdopen(3))
answer = facts["answers"].get("missing", "")
named = [name for name, pattern in WALLS.items() if re.search(pattern, answer, re.IGNORECASE)]

print("Expected: two of the walls that the text lists")
print(f"Found: {', '.join(named) or 'none of them'}")
if len(named) >= 2:
    sys.exit(0)
print("Try: read the list in the text, and name two of it.")
sys.exit(1)
