"""Imports every module whose functions are exposed, so that `registry.EXPOSED` is complete.

`content_methods` does the same for tags, builds, repos and what else a hub knows about packages.
"""

from koji_adjutant.testbed.hub import content_methods
from koji_adjutant.testbed.hub.builds import uploads
from koji_adjutant.testbed.hub.people import channels, hosts, policies, sessions, subscriptions, users
from koji_adjutant.testbed.hub.rpc import introspection
from koji_adjutant.testbed.hub.rpc.registry import EXPOSED
from koji_adjutant.testbed.hub.tasks import host_calls, scheduler_calls, task_calls, task_output

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
    subscriptions,
    task_calls,
    task_output,
    uploads,
    users,
)
