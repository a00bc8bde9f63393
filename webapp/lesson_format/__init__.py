"""Folder in, Lesson out. Knows no lab and no database."""
