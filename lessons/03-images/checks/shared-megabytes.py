#!/usr/bin/python3
"""Passes when the answer is about the size of what `busybox` and `web` have in common."""

import json
import os
import sys

NEAR = 0.06

facts = json.load(os.fdopen(3))
written = facts["answers"].get("shared-mb", "").strip().replace(",", ".")


def layers(name: str) -> dict[str, int]:
    """The layers of an image, by its name."""
    for image in facts["engine"]["images"]:
        if f"localhost/{name}:latest" in image["names"]:
            return {layer["digest"]: layer["size_bytes"] or 0 for layer in image["layers"]}
    return {}


one, other = layers("busybox"), layers("web")
shared = sum(size for digest, size in one.items() if digest in other) / 1e6

print("Expected: the megabytes of the layers that both have")
try:
    answer = float(written.split()[0])
except (ValueError, IndexError):
    print("Found: no number")
    print("Try: the size beside the layer that is marked as shared.")
    sys.exit(1)
if abs(answer - shared) <= NEAR:
    print(f"Found: {answer:g} MB")
    sys.exit(0)
print(f"Found: {answer:g} MB")
print("Try: the size beside the layer that is marked as shared.")
sys.exit(1)
