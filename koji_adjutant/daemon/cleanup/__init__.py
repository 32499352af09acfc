"""What is removed, made ready and kept in order while the daemon runs, in helpers."""
