#!/usr/bin/python3
"""Passes when the answer is a sentence, whatever it says."""

import json
import os
import sys

WORDS_LEAST = 5

facts = json.load(os.fdopen(3))
words = facts["answers"].get("the-report", "").split()

print("Expected: one sentence in your own words")
print(f"Found: {len(words)} word{'' if len(words) == 1 else 's'}")
if len(words) >= WORDS_LEAST:
    sys.exit(0)
print("Try: say where the uploads were, and what became of that.")
sys.exit(1)
