"""What comes into a root: solved, downloaded, installed."""
