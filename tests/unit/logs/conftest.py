"""A task, and the uploads that the hub has of it."""

from tests.unit.logs.hub_files import ctx, hub

__all__ = ["ctx", "hub"]
