"""Starts as many sleepers as it is told, says how many it got, and ends them."""

import subprocess
import sys

wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 500
sleepers = []
refused = ""
for _ in range(wanted):
    try:
        sleepers.append(subprocess.Popen(["sleep", "600"]))
    except OSError as error:
        refused = error.strerror
        break
print(f"wanted {wanted}, got {len(sleepers)}" + (f": {refused}" if refused else ""))
for sleeper in sleepers:
    sleeper.kill()
for sleeper in sleepers:
    sleeper.wait()
print("all of them are ended again")
