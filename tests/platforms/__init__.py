"""Hosts of other kinds than this one, what runs on each, and what came of it: `python -m tests.platforms`."""
