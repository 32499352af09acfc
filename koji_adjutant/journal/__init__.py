"""What happened, as it happens: the events of tasks, engine and daemon, the files that keep them, and their reader."""
