"""`python -m runtime.cli NOUN …`: what the launcher calls."""

from runtime.cli import main

main()
