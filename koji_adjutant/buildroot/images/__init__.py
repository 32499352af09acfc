"""Buildroot images: their keys, how they are made, how long they are kept."""
