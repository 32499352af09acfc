"""All checks, in the order in which they are told: what comes first explains what comes later. Pure."""

from collections.abc import Collection
from graphlib import TopologicalSorter

from koji_adjutant.cli.doctor import (
    configuration,
    credentials,
    daemon,
    disks,
    engine,
    host_record,
    hub,
    images,
    network,
    service,
    topdir,
)
from koji_adjutant.cli.doctor.check import Check

CHECKS: tuple[Check, ...] = (
    *configuration.CHECKS,
    *credentials.CHECKS,
    *hub.CHECKS,
    *host_record.CHECKS,
    *engine.CHECKS,
    *images.CHECKS,
    *disks.CHECKS,
    *topdir.CHECKS,
    *network.CHECKS,
    *daemon.CHECKS,
    *service.CHECKS,
)


def chosen(names: Collection[str]) -> tuple[Check, ...]:
    """The checks of those ids or rooms (`hub` for `hub.login` and others), and those that they need; all for none.

    KeyError for a name that is neither.
    """
    if not names:
        return CHECKS
    wanted: set[str] = set()
    for name in names:
        found = [check.id for check in CHECKS if name in {check.id, check.id.partition(".")[0]}]
        if not found:
            raise KeyError(name)
        wanted.update(found)
    for check in reversed(_by_need()):
        if check.id in wanted:
            wanted.update(check.needs)
    return tuple(check for check in CHECKS if check.id in wanted)


def _by_need() -> list[Check]:
    """All checks, each after those that it needs."""
    known = {check.id: check for check in CHECKS}
    needs = {check.id: check.needs for check in CHECKS}
    return [known[one] for one in TopologicalSorter(needs).static_order()]
