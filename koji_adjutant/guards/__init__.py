"""What stands between a task and the engine: confinement, limits, and what an interruption means."""
