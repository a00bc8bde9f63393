#!/usr/bin/python3
"""Passes when the answer has three sentences, whatever they say: the instructor reads them."""

import json
import os
import re
import sys

SENTENCES, WORDS_LEAST = 3, 4

facts = json.load(os.fdopen(3))
answer = facts["answers"].get("the-answer", "")
sentences = [
    each for each in re.split(r"[.!?]+(?:\s|$)", answer) if len(each.split()) >= WORDS_LEAST
]

print("Expected: three sentences of four words or more")
print(f"Found: {len(sentences)}")
if len(sentences) >= SENTENCES:
    sys.exit(0)
print("Try: say what you did, what it costs, and when you would choose a machine.")
sys.exit(1)
