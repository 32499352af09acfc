"""Images of buildroots, and an engine that has them."""

from tests.unit.cli.cached_images import cache

__all__ = ["cache"]
