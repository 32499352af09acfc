"""Containers, and nothing of Koji: the interface, podman behind it, labels."""
