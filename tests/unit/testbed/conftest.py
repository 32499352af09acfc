"""The place of a testbed that is not up, and the administrator of a hub that is not filled yet."""

from tests.unit.testbed.filled_hub import admin
from tests.unit.testbed.idle_builder import layout

__all__ = ["admin", "layout"]
