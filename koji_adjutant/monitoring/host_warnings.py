"""What an operator should look at although the host takes tasks: lines for status and page alike. Pure.

What keeps the host from taking tasks is no warning: the sentence says that.
"""

from collections.abc import Iterator

from koji_adjutant.journal.public import CredentialFacts, DiskFacts
from koji_adjutant.journal.state import Obstacle
from koji_adjutant.monitoring.sentence import HUB
from koji_adjutant.monitoring.views import HostView

DAY = 86400.0
EXPIRY_DAYS = 30.0
NO_POLL_SECONDS = 180.0
NEAR_LIMIT = 1.25
"""A disk with less than this much of what it needs will keep the host from taking tasks soon."""


def host_warnings(host: HostView, now: float) -> tuple[str, ...]:
    """The lines; texts in them are data."""
    return tuple(_warnings(host, now))


def _warnings(host: HostView, now: float) -> Iterator[str]:
    if not host.alive:
        return
    if host.last_poll is not None and host.obstacle != HUB and now - host.last_poll > NO_POLL_SECONDS:
        yield f"the hub has not answered for {(now - host.last_poll) / 60:.0f} minutes"
    if host.engine_problem and host.obstacle != Obstacle.ENGINE:
        yield f"the engine: {host.engine_problem}"
    for disk in host.disks:
        yield from _of_disk(disk)
    for credential in host.credentials:
        yield from _of_credential(credential, now)
    for plugin in host.plugins_failed:
        methods = f"; refused: {', '.join(plugin.methods)}" if plugin.methods else ""
        yield f"plugin {plugin.name} is not loaded: {plugin.why}{methods}"


def _of_disk(disk: DiskFacts) -> Iterator[str]:
    if disk.limit_bytes is None:
        return
    if disk.free_bytes is None:
        yield f"{disk.area} ({disk.path}) cannot be looked at"
    elif disk.free_bytes < NEAR_LIMIT * disk.limit_bytes:
        free, limit = disk.free_bytes / 1e6, disk.limit_bytes / 1e6
        yield f"{disk.area} ({disk.path}) has {free:.0f} MB free; below {limit:.0f} MB no task is taken"


def _of_credential(credential: CredentialFacts, now: float) -> Iterator[str]:
    if credential.expires is None:
        return
    days = (credential.expires - now) / DAY
    if days <= 0:
        yield f"the {credential.kind} has expired"
    elif days < EXPIRY_DAYS and credential.kind != "ccache":
        # A ticket lives for hours, and is replaced.
        yield f"the {credential.kind} expires in {_days(days)}"


def _days(days: float) -> str:
    return f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"  # noqa: PLR2004
