"""Task processes: forked, watched, adopted, and their state on disk."""
