"""What a release has beside the tree: manual pages, completion, the spec."""
