"""One set of figures for both sides, each read from the host in the same way."""
