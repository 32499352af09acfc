"""An engine that answers nobody."""

from tests.unit.container.podman.sockets import silent

__all__ = ["silent"]
