"""The pure parts of the mini distribution."""
