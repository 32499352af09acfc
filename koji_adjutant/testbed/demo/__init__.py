"""`testbed demo`: what it builds and shows."""
