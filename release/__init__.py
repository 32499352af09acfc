"""What a release has beside the tree: manual pages, completion, and the source package of the RPMs."""
