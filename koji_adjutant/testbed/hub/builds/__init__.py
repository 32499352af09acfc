"""Builds: their states, files, packages and buildroots."""
