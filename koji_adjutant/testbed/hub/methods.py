"""Imports every module whose functions are exposed, so that `registry.EXPOSED` is complete.

`content_methods` does the same for tags, builds, repos and what else a hub knows about packages.
"""

from koji_adjutant.testbed.hub import (
    channels,
    content_methods,
    host_calls,
    hosts,
    introspection,
    policies,
    scheduler_calls,
    sessions,
    task_calls,
    task_output,
    uploads,
    users,
)
from koji_adjutant.testbed.hub.registry import EXPOSED

__all__ = ["EXPOSED", "MODULES"]

MODULES = (
    channels,
    content_methods,
    host_calls,
    hosts,
    introspection,
    policies,
    scheduler_calls,
    sessions,
    task_calls,
    task_output,
    uploads,
    users,
)
