"""The project's RPMs: built by itself, installed into an empty root, and run from there."""
