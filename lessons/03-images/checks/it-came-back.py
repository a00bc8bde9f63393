#!/usr/bin/python3
"""Passes when the registry has the learner's `hello`, and it was removed and came back the same."""

import http.client
import json
import os
import re
import socket
import sys
from pathlib import Path
from typing import NoReturn

HISTORY = Path("/lab/home/learner/.bash_history")
KINDS = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
images = json.load(os.fdopen(3))["engine"]["images"]
typed = HISTORY.read_text(errors="replace") if HISTORY.is_file() else ""
own = f"{socket.gethostname()}/hello"
name = f"registry:5000/{own}"
here = [each["id"] for each in images if f"{name}:latest" in each["names"]]


def stop(found: str, advice: str) -> NoReturn:
    """Say what was found and what to do, and end."""
    print(f"Found: {found}")
    print(f"Try: {advice}")
    sys.exit(1)


def pushed() -> str:
    """The number of the image that the registry has; it knows this lab by its address."""
    # A check's own /etc/hosts doesn't name the registry.
    connection = http.client.HTTPConnection("169.254.1.1", 5000, timeout=8)
    try:
        connection.request("GET", f"/v2/{own}/manifests/latest", headers={"Accept": KINDS})
        answer = connection.getresponse()
        found = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError):
        return stop("the registry doesn't answer", "wait a moment, then check again.")
    if answer.status != 200:
        return stop("no image `hello` of yours in the registry", f"run `docker push {name}`.")
    return str(found["config"]["digest"]).removeprefix("sha256:")


print("Expected: `hello` in the registry, removed here, and pulled again")
there = pushed()
if not re.search(r"\b(docker|podman) (rmi|image rm)\b.*\bhello\b", typed):
    stop("the image was not removed yet", f"run `docker rmi hello {name}`, then pull it.")
if not re.search(r"\b(docker|podman) (image )?pull\b.*\bhello\b", typed) or not here:
    stop("the image was not pulled yet", f"run `docker pull {name}`.")
if there not in here:
    stop("the registry has another image than you have now", "push it, remove it and pull it.")
print(f"Found: both are `{there[:12]}`")
