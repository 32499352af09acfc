"""What is shown of the host: `host.json`, written by the main process when it goes to sleep, or when the hub is away.

What costs a request or may hang is looked at elsewhere: the hub is asked for the channels within a poll, now and
then; credentials and the hub's volume, which may be on a server that is away, are looked at by a helper
(koji_adjutant.daemon.public.slow_looks). `HostShow` lives as long as the main process.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from koji_adjutant import __version__
from koji_adjutant.config import Config
from koji_adjutant.daemon.public.slow_looks import SlowFacts
from koji_adjutant.daemon.recurring import Recurring
from koji_adjutant.host import disks
from koji_adjutant.journal.public import (
    HOST,
    DiskFacts,
    HostFacts,
    PluginFacts,
    public_directory,
    write_facts,
)
from koji_adjutant.journal.state import NotReady, this_process
from koji_adjutant.plugins.outages import Methods

INTERVAL = 1.0
"""Seconds between two writings, unless the host has become ready, or is not ready for another kind of reason."""
CHANNELS_INTERVAL = 300.0

logger = logging.getLogger("koji.adjutant.daemon.public")


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What the main process knows now."""

    host: Mapping[str, Any]
    """The hub's record of this host."""
    not_ready: NotReady | None
    task_load: float
    storage: Path
    engine_version: str
    engine_problem: str


class HostShow:
    """Writes `host.json`; nothing where monitoring is not enabled."""

    def __init__(
        self,
        config: Config,
        methods: Methods,
        worker: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._clock = clock
        self._time = time_of_day
        self._file = public_directory(config.state_dir) / HOST
        self._trouble = Recurring(clock)
        self._writer = this_process()
        self._started = time_of_day()
        self._worker = worker
        self._methods = tuple(sorted(methods.served))
        self._plugins_failed = tuple(
            PluginFacts(name=one.plugin, why=str(one.problem), methods=one.methods)
            for one in methods.outages.found
        )
        self._due = 0.0
        self._ask_channels_at = 0.0
        self._kind: tuple[str, bool] | None = None
        self._since = self._started
        self._channels: tuple[str, ...] | None = None
        self._last_poll: float | None = None
        self._hub_lost: float | None = None
        self.slow = SlowFacts()

    @property
    def is_on(self) -> bool:
        """Whether anything is shown."""
        return self._config.monitoring_enabled

    # What the hub says

    def wants_channels(self) -> bool:
        """Whether this poll is to ask for them."""
        return self.is_on and self._clock() >= self._ask_channels_at

    def polled(self, channels: tuple[str, ...] | None) -> None:
        """The hub has answered; with the names of this host's `channels`, if it was asked."""
        self._last_poll, self._hub_lost = self._time(), None
        if channels is not None:
            self._channels, self._ask_channels_at = channels, self._clock() + CHANNELS_INTERVAL

    def hub_failed(self, moment: Moment) -> None:
        """The hub does not answer, or does not have us."""
        if self._hub_lost is None:
            self._hub_lost, self._due = self._time(), 0.0
        self.show(moment)

    # What is shown

    def show(self, moment: Moment) -> None:
        """Write what is so now, if it is time."""
        obstacle = moment.not_ready.obstacle.value if moment.not_ready else ""
        kind, now = (obstacle, self._hub_lost is None), self._clock()
        if not self.is_on or (now < self._due and kind == self._kind):
            return
        if self._kind is not None and self._kind[0] != obstacle:
            self._since = self._time()
        self._kind, self._due = kind, now + INTERVAL
        try:
            write_facts(self._file, self._facts(moment, obstacle))
        except OSError as error:
            if self._trouble.is_to_be_said(str(error.strerror)):
                logger.warning("%s not written%s: %s", self._file, self._trouble.how_long(), error)
        else:
            self._trouble.over()

    def _facts(self, moment: Moment, obstacle: str) -> HostFacts:
        host = moment.host
        return HostFacts(
            writer=self._writer,
            time=self._time(),
            started=self._started,
            version=__version__,
            name=str(host["name"]),
            hub=_without_login(self._config.server),
            worker=self._worker,
            ready=moment.not_ready is None,
            obstacle=obstacle,
            reason=moment.not_ready.reason if moment.not_ready else "",
            since=self._since,
            last_poll=self._last_poll,
            hub_lost_since=self._hub_lost,
            enabled=bool(host["enabled"]),
            arches=tuple(str(host["arches"] or "").split()),
            channels=self._channels,
            capacity=float(host["capacity"]),
            task_load=moment.task_load,
            maxjobs=self._config.maxjobs,
            engine_version=moment.engine_version,
            engine_problem=moment.engine_problem,
            disks=(*self._disks(moment.storage), *filter(None, (self.slow.topdir,))),
            credentials=self.slow.credentials,
            plugins_failed=self._plugins_failed,
            methods=self._methods,
        )

    def _disks(self, storage: Path) -> tuple[DiskFacts, ...]:
        areas = {"workdir": "workdir", "cache_dir": "cache", "state_dir": "state"}
        of_storage = DiskFacts(
            area="storage",
            path=str(storage),
            free_bytes=disks.free_bytes(storage),
            limit_bytes=self._config.minspace << 20,
        )
        others = (
            DiskFacts(
                area=areas[disk.option],
                path=str(disk.path),
                free_bytes=disks.free_bytes(disk.path),
                limit_bytes=disk.least,
            )
            for disk in self._config.disks
        )
        return (of_storage, *others)


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
