"""Logs: of a task, on disk and on the hub, and of the daemon."""
