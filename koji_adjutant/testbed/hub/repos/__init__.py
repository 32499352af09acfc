"""Repos: requested, made, finished."""
