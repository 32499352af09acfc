"""Whether the engine answers and works."""
