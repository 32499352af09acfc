"""The metadata of a repo: where its files are, made, merged, taken over, verified."""
