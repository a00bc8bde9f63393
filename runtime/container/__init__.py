"""One container: its root, its description, the program that starts it."""
