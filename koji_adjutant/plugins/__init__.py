"""Plugins of kojid: read, loaded, and what goes out of service with one that cannot be loaded."""
