"""The two halves of a lab beside each other: figures, works, walls, and what else would fit."""
