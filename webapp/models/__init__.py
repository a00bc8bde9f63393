"""The tables, and the questions asked of them.

A query is named for its question; no rule lives here.
"""
