"""A podman engine of the testbed's own."""
