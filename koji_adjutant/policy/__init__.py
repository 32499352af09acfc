"""Which image, network and limits a task gets: pure functions of hub data and configuration."""
