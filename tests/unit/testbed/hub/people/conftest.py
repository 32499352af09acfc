"""A served hub, and its administrator as a client."""

from tests.unit.testbed.hub.served import admin, served

__all__ = ["admin", "served"]
