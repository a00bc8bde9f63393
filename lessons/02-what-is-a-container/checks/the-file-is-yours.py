#!/usr/bin/python3
"""Passes once `mine` is in the learner's home folder; the image, which is `/` here, has none."""

import os
import sys
from pathlib import Path

MINE = Path("/lab/home/learner/mine")
IN_IMAGE = Path("/home/learner/mine")

if os.path.lexists(IN_IMAGE):
    sys.exit("the image holds this file already, so the step shows nothing")

print("Expected: a file `mine` in your home folder, and none in the image")
if os.path.lexists(MINE):
    print("Found: `mine` is in your container's own layer; the image has no such file")
    sys.exit(0)
print("Found: no file `mine` in your home folder")
print("Try: run `touch ~/mine`, then check again.")
sys.exit(1)
