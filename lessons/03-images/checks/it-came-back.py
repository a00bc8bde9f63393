#!/usr/bin/python3
"""Passes when the image in `hello.tar` is the image `hello`, after it was removed and loaded."""

import json
import os
import re
import sys
import tarfile
from pathlib import Path
from typing import NoReturn

HISTORY = Path("/lab/home/learner/.bash_history")
ARCHIVE = Path("/lab/home/learner/hello/hello.tar")
images = json.load(os.fdopen(3))["engine"]["images"]
here = [each["id"] for each in images if "localhost/hello:latest" in each["names"]]
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


print("Expected: `hello` in a file `hello.tar`, removed from the engine, and loaded again")
if not ARCHIVE.is_file():
    stop("no file `hello.tar` in the folder `hello`", "run `docker save -o hello.tar hello`.")
try:
    with tarfile.open(ARCHIVE) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))
    packed = manifest[0]["Config"].removesuffix(".json").rsplit("/", 1)[-1]
except (tarfile.TarError, KeyError, ValueError):
    stop("`hello.tar` holds no image", "run `docker save -o hello.tar hello` again.")
if not re.search(r"\b(docker|podman) (rmi|image rm)\b.*\bhello\b", typed):
    stop("the image was not removed yet", "run `docker rmi hello`, then load it.")
if not here:
    stop("no image `hello`", "run `docker load -i hello.tar`.")
if not re.search(r"\b(docker|podman) (image )?load\b", typed):
    stop("the image was not loaded from the file yet", "run `docker load -i hello.tar`.")
if packed not in here:
    stop("the file holds another image than `hello` is now", "save it, remove it and load it.")
print(f"Found: both are `{packed[:12]}`")
