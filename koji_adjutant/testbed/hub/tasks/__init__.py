"""Tasks and the scheduler that gives them to hosts."""
