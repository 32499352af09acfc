"""Imports every module whose functions are exposed, so that `registry.EXPOSED` is complete.

`content_methods` does the same for tags, builds, repos and what else a hub knows about packages.
"""

from koji_adjutant.testbed.hub import content_methods
from koji_adjutant.testbed.hub.registry import EXPOSED

__all__ = ["EXPOSED", "MODULES"]

MODULES = (content_methods,)
