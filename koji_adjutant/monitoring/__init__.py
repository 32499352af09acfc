"""What the daemon tells the people who run it."""
