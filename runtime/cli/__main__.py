"""`python -m runtime.cli NOUN …`: what the launcher calls."""

from runtime import log
from runtime.cli import main

log.start("warning")
main()
