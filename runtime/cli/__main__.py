"""`python -m runtime.cli NOUN …`: what the launcher calls."""

import os

from runtime import log
from runtime.cli import main

os.umask(0o022)  # images and folders are for other users too, whatever the operator's shell says
log.start("warning")
main()
