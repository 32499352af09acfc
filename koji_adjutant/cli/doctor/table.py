"""All checks, in the order in which they are told: what comes first explains what comes later."""

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

CHECKS = (
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
