"""The pump: a process of its own that carries every terminal between its stream and its viewers."""
