"""The tasks of a repo: newRepo and createrepo."""
