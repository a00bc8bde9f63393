#!/usr/bin/python3
"""Runs in the machine: passes when the other end of the learner's cable answers."""

import subprocess
import sys

FAR = "10.99.0.2"


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """What a command of the image says."""
    return subprocess.run(argv, capture_output=True, text=True, check=False)


links = run("ip", "-br", "link", "show", "type", "veth")
print(f"Expected: the box answers at `{FAR}`")
if not links.stdout.strip():
    print("Found: no cable in the machine")
    print("Try: run the first command of the text.")
    sys.exit(1)
asked = run("ping", "-c", "1", "-W", "3", FAR)
if asked.returncode == 0:
    print("Found: it answers, over a cable of yours")
    sys.exit(0)
print("Found: a cable, and no answer")
print("Try: give both ends an address and set both up, then check again.")
sys.exit(1)
