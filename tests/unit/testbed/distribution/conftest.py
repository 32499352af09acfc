"""A recipe with one entry of each kind, and a root's layout."""

from tests.unit.testbed.distribution.trees import layout, recipe

__all__ = ["layout", "recipe"]
