"""Podman behind the interface: its REST API, and the processes that its containers consist of."""
