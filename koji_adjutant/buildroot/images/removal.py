"""Removal of buildroot images: those not used for longest, and those that nobody has used for long.

An image goes by its name, at once and as a whole; one that a container uses stays until later, and so does the image
that it was made from. Images of another worker on the same engine are its to count; they only go when they are old.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from koji_adjutant.buildroot.images.cached import CachedImage
from koji_adjutant.buildroot.images.keys import EARLIER_EMPTY_IMAGES, remove_unless_in_use
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.container.interface import ImageStore
from koji_adjutant.host.files import JUMP
from koji_adjutant.journal.phases import HostEvent, Journal

SETTLING_SECONDS = 3600.0 + JUMP
"""Seconds: an image of the daemon without a name that is younger than this may be about to get one."""

logger = logging.getLogger("koji.adjutant.buildroot.images")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much of the images may stay, in bytes and seconds.

    `missing` bytes have to be freed in any case: the host has no space for builds.
    """

    size: int
    age: float
    missing: int = 0

    def without_missing(self, size: int) -> Self:
        """These limits with `missing` made part of `size`, for images that have `size` bytes now."""
        return replace(self, size=max(0, min(self.size, size - self.missing)), missing=0)


@dataclass(frozen=True, kw_only=True)
class Removal:
    """An image that goes, and why."""

    cached: CachedImage
    reason: str


def to_remove(
    images: Collection[CachedImage], limits: Limits, *, worker: str, now: float, kept: Collection[str] = ()
) -> Iterator[Removal]:
    """The images that go, in that order, if all of them can; those of the keys `kept` cannot. Pure."""
    stay = set(kept)
    size = own_size(images, worker)
    most = limits.without_missing(size).size
    for cached in _oldest_first(images):
        reason = _age_reason(cached, limits, now)
        if not reason and size > most and _is_own(cached, worker):
            reason = f"the images have {size >> 20} MiB, {most >> 20} MiB may stay"
        if not reason or cached.record.key in stay:
            if cached.name:
                stay.add(cached.base_key)
            continue
        if _is_own(cached, worker):
            size -= cached.own_size
        yield Removal(cached=cached, reason=reason)


def _oldest_first(images: Collection[CachedImage]) -> list[CachedImage]:
    """A base is as young as the youngest image made from it, and comes after it."""
    used = {cached.record.key: cached.last_used for cached in images if cached.name and not cached.base_key}
    for cached in images:
        if cached.name and cached.base_key in used:
            used[cached.base_key] = max(used[cached.base_key], cached.last_used)

    def age(cached: CachedImage) -> tuple[float, bool]:
        last = used.get(cached.record.key, cached.last_used) if cached.name else cached.last_used
        return last, not cached.base_key

    return sorted(images, key=age)


def _age_reason(cached: CachedImage, limits: Limits, now: float) -> str:
    if not cached.name:
        return "has not the name that tasks look for" if now - cached.image.created > SETTLING_SECONDS else ""
    unused = now - cached.last_used
    return f"not used for {unused / 86400:.1f} days" if unused > limits.age else ""


def own_size(images: Collection[CachedImage], worker: str) -> int:
    """Bytes that the images of this worker have."""
    return sum(cached.own_size for cached in images if _is_own(cached, worker))


def _is_own(cached: CachedImage, worker: str) -> bool:
    return cached.image.worker == worker


def remove(
    removals: Iterable[Removal], manager: ImageStore, records: UsageRecords
) -> Iterator[tuple[Removal, bool]]:
    """Remove one after the other; with each, whether it is gone. One that is in use stays, with its base."""
    in_use: set[str] = set()
    for removal in removals:
        cached = removal.cached
        gone = cached.record.key not in in_use and remove_unless_in_use(
            manager, cached.name or cached.image.id
        )
        if gone and cached.name:
            records.forget(cached.record.key)
        elif not gone:
            in_use.add(cached.base_key)
        yield removal, gone


def prune(
    images: Collection[CachedImage],
    manager: ImageStore,
    records: UsageRecords,
    limits: Limits,
    *,
    worker: str,
    journal: Journal,
    kept: Collection[str] = (),
    clock: Callable[[], float] = time.time,
) -> tuple[tuple[Removal, ...], tuple[Removal, ...]]:
    """Remove of `images` until the rest is within the limits; what is gone, and what would be but is in use.

    Images of the keys `kept` stay. What versions before have left in the engine goes, too.
    """
    gone: list[Removal] = []
    used: list[Removal] = []
    stay = set(kept)
    left, limits = tuple(images), limits.without_missing(own_size(images, worker))
    while planned := tuple(to_remove(left, limits, worker=worker, now=clock(), kept=stay)):
        for removal, is_gone in remove(planned, manager, records):
            (gone if is_gone else used).append(removal)
        # Another one goes for each that was in use.
        stay |= {removal.cached.record.key for removal in used}
        done = {removal.cached.image.id for removal in gone}
        left = tuple(cached for cached in left if cached.image.id not in done)
    for removal in gone:
        key, reason = removal.cached.record.key, removal.reason
        logger.info("image %s of %s is removed: %s", key[:12], _tags(removal), reason)
        journal.record(HostEvent.IMAGE_REMOVED, key=key, reason=reason, bytes=removal.cached.own_size)
    records.drop_old(frozenset(cached.record.key for cached in left))
    _remove_earlier_empty_images(manager)
    return tuple(gone), tuple(used)


def _remove_earlier_empty_images(manager: ImageStore) -> None:
    """They stay behind after an upgrade. A daemon of before that works with the same engine makes its own again."""
    for image in EARLIER_EMPTY_IMAGES:
        if manager.has_image(image) and remove_unless_in_use(manager, image):
            logger.info("image %s of a version before is removed", image)


def _tags(removal: Removal) -> str:
    return ", ".join(tag.tag_name for tag in removal.cached.record.tags)
