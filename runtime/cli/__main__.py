"""`python -m runtime.cli NOUN …`: what the launcher calls."""

import os
import signal
import sys

from runtime import log
from runtime.cli import main

os.umask(0o022)  # images and folders are for other users too, whatever the operator's shell says
log.start("warning")
# As Ctrl-C does: a lab that was made for a command ends, and half an image is removed.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda number, _: sys.exit(128 + number))
main(prog_name="slipway")
