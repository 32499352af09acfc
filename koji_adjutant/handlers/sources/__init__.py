"""The tasks that begin with a checkout."""
