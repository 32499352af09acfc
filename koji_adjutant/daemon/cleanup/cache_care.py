"""Care of the caches, and when: removal of images, preparing for new repos, mirrors of repositories.

It is for helpers only, and for hours when the engine has nothing better to do: an engine that deletes an image answers
nobody for a moment. Removal does not wait for ever; preparing does.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from koji_adjutant.buildroot.images.cached import cached_images, is_scan_due
from koji_adjutant.buildroot.images.removal import Limits, prune
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.buildroot.install.download_removal import prune_downloads
from koji_adjutant.daemon.cleanup.prewarming import Prewarming, RepoRequest, is_quiet, prepare
from koji_adjutant.daemon.public.engine_facts import show_images
from koji_adjutant.handlers.base import Services
from koji_adjutant.task_adapters.sources.mirror_care import MirrorCare

PRUNE = "removal of images"
PREWARM = "prewarm"
MIRRORS = "mirrors"
MIRRORS_PAUSE = 10.0
FIRST_PRUNE = 120.0
"""After the start: a daemon that comes back has tasks to take first."""
PRUNE_INTERVAL = 3600.0
PRUNE_PATIENCE = 1800.0
PRUNE_PAUSE = 60.0
"""At least so long between two removals, however full the disk is."""
RESERVE = 1.2
"""When there is too little space, more of it is freed than the host needs to take the next task."""


class CacheCare:
    """What is due. `images_made` and `ended` tell it what has happened."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self.prewarming = Prewarming(services.config)
        self._services = services
        self._clock = clock
        self._prune_at = clock() + FIRST_PRUNE
        self._pruned = clock() - PRUNE_PAUSE
        self._mirrors = MirrorCare(config=services.config)
        self._mirrors_at = clock()
        self._request: RepoRequest | None = None

    def due(
        self, *, is_idle: bool, helpers: Collection[str], storage: Path
    ) -> Iterator[tuple[str, Callable[[], None]]]:
        """What to start now, and its name among the helpers; never two that use the engine for long."""
        if not {PRUNE, PREWARM, MIRRORS}.isdisjoint(helpers):
            return
        now = self._clock()
        missing = missing_space(storage, self._services.config.minspace)
        if now >= self._pruned + PRUNE_PAUSE and (
            missing or (now >= self._prune_at and (is_idle or now >= self._prune_at + PRUNE_PATIENCE))
        ):
            self._pruned = now
            yield PRUNE, partial(self._prune, missing)
        elif now >= self._mirrors_at and self._mirrors.has_incoming():
            yield MIRRORS, self._take_over
        elif is_idle and is_quiet(self._services.config):
            self._request = self.prewarming.next_request()
            if self._request is not None:
                yield PREWARM, partial(prepare, self._request, self._services)

    def images_made(self) -> None:
        """There may be too many now."""
        self._prune_at = self._clock()

    def ended(self, name: str, *, is_done: bool) -> None:
        """A helper of this name has ended."""
        if name == PRUNE:
            self._prune_at = self._clock() + PRUNE_INTERVAL
        elif name == MIRRORS:
            # What is left then, a checkout borrows from.
            self._mirrors_at = self._clock() + MIRRORS_PAUSE
        elif name == PREWARM and self._request is not None:
            self.prewarming.ended(self._request, is_done=is_done)
            self._request = None

    def _prune(self, missing: int) -> None:
        config, manager = self._services.config, self._services.manager
        prune_downloads(config.cache_dir, config.download_cache_size)
        self._mirrors.prune()
        records = UsageRecords(config.cache_dir)
        images = cached_images(manager, records, scan=is_scan_due(records, time.time()))
        limits = Limits(size=config.buildroot_cache_size, age=config.buildroot_cache_age, missing=missing)
        worker, journal = self._services.worker, self._services.journal
        prune(images, manager, records, limits, worker=worker, journal=journal)
        show_images(config, manager)

    def _take_over(self) -> None:
        self._mirrors.take_over(self._services.manager, self._services.worker)


def missing_space(storage: Path, minspace: int) -> int:
    """Bytes to free in `storage` so that the host can take tasks again; 0 when it can, or nobody knows."""
    try:
        status = os.statvfs(storage)
    except OSError:
        return 0
    free, wanted = status.f_bavail * status.f_frsize, minspace << 20
    return 0 if free >= wanted else int(wanted * RESERVE) - free
