#!/usr/bin/python3
"""Passes when the answer is how many layers `hello:first` and `hello` have in common, now."""

import json
import os
import sys

facts = json.load(os.fdopen(3))
answer = facts["answers"].get("shared", "").strip()


def layers(name: str) -> set[str]:
    """The layers of an image, by its name."""
    for image in facts["engine"]["images"]:
        if f"localhost/{name}" in image["names"]:
            return {layer["digest"] for layer in image["layers"]}
    return set()


first, now = layers("hello:first"), layers("hello:latest")

print("Expected: the number of layers that both have")
if not first or not now or first == now:
    print("Found: there are not two different images yet")
    print("Try: run the commands of the text, then answer.")
    sys.exit(1)
if answer == str(len(first & now)):
    print(f"Found: {answer}")
    sys.exit(0)
print(f"Found: {answer or 'no number'}")
print("Try: compare the stacks below the text, from the lowest layer on.")
sys.exit(1)
