"""Removal of buildroot images: those not used for longest, and those that nobody has used for long.

The engine's store is the truth about which images there are, the usage records order them; a record that was lost is
made anew from the labels of its image. An image goes by its name, at once and as a whole; one that a container uses
stays until later, and so does the image that it was made from. Images of another worker on the same engine are its
to count; they only go when they are old.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self, cast

from koji_adjutant.buildroot.images import BASE_LABEL, CONFLICT, KIND_LABEL, image_name
from koji_adjutant.buildroot.usage import Kind, TagUse, UsageRecord, UsageRecords
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ImageInfo
from koji_adjutant.errors import EngineError

SETTLING_SECONDS = 3600.0
"""An image of ours without a name that is younger than this may be about to get one."""

logger = logging.getLogger("koji.adjutant.cache")


@dataclass(frozen=True, kw_only=True)
class CachedImage:
    """A buildroot image and what is known of its use."""

    image: ImageInfo
    record: UsageRecord
    own_size: int
    """Bytes that it has to itself: an image of BuildRequires shares its base's."""

    @property
    def name(self) -> str:
        """The name under which tasks find it; empty when another image has taken it."""
        name = image_name(self.record.key)
        return name if name in self.image.names else ""

    @property
    def base_key(self) -> str:
        """The key of the image that it was made from; empty for a base."""
        return self.image.labels.get(BASE_LABEL, "")

    @property
    def last_used(self) -> float:
        """When a task last had it, or when it was made."""
        return max(self.record.last_used, self.image.created)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may stay. `missing` bytes have to be freed in any case: the host has no space for builds."""

    size: int
    age: float
    missing: int = 0

    def without_missing(self, size: int) -> Self:
        """The same limits for images that have `size` bytes now."""
        return replace(self, size=max(0, min(self.size, size - self.missing)), missing=0)


@dataclass(frozen=True, kw_only=True)
class Removal:
    """An image that goes, and why."""

    cached: CachedImage
    reason: str


def cached_images(manager: ContainerManager, records: UsageRecords) -> tuple[CachedImage, ...]:
    """All buildroot images of the engine, those used last first; records that were lost are there again."""
    found = [
        image
        for image in manager.find_images({labels.ROLE: labels.Role.IMAGE.value})
        if image.labels.get(labels.KEY) and _is_of_this_cache(image)
    ]
    known = {record.key: record for record in records.all()}
    sizes = {image.labels[labels.KEY]: image.size for image in found if image.names}
    made = [_cached(image, known, sizes) for image in found]
    for cached in made:
        if cached.name and cached.record.key not in known:
            records.restore(cached.record)
    return tuple(sorted(made, key=lambda cached: cached.last_used, reverse=True))


def _is_of_this_cache(image: ImageInfo) -> bool:
    # One that is being made, or that somebody made from a buildroot, has these labels too, and another name.
    return not image.names or image_name(image.labels[labels.KEY]) in image.names


def _cached(image: ImageInfo, known: dict[str, UsageRecord], sizes: dict[str, int]) -> CachedImage:
    key = image.labels[labels.KEY]
    shared = sizes.get(image.labels.get(BASE_LABEL, ""), 0)
    return CachedImage(
        image=image,
        record=known.get(key) or record_from_labels(image),
        own_size=max(0, image.size - shared),
    )


def record_from_labels(image: ImageInfo) -> UsageRecord:
    """What the image itself says."""
    found = image.labels
    repo = found.get(labels.REPO, "")
    tag = TagUse(
        tag_name=found.get(labels.TAG, ""),
        tag_id=0,
        repo_ids=(int(repo),) if repo.isdigit() else (),
        last_used=image.created,
    )
    kind = "requires" if found.get(KIND_LABEL) == "requires" else "base"
    return UsageRecord(
        key=found[labels.KEY],
        kind=cast("Kind", kind),
        arch=found.get(labels.ARCH, ""),
        group=found.get(labels.GROUP, ""),
        tags=(tag,) if tag.tag_name else (),
        created=image.created,
        last_used=image.created,
    )


def to_remove(
    images: Collection[CachedImage], limits: Limits, *, worker: str, now: float, kept: Collection[str] = ()
) -> Iterator[Removal]:
    """What goes, in that order, if all of it can; `kept` are keys that cannot. Pure."""
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
        return "has no name any more" if now - cached.image.created > SETTLING_SECONDS else ""
    unused = now - cached.last_used
    return f"not used for {unused / 86400:.1f} days" if unused > limits.age else ""


def own_size(images: Collection[CachedImage], worker: str) -> int:
    """Bytes that the images of this worker have."""
    return sum(cached.own_size for cached in images if _is_own(cached, worker))


def _is_own(cached: CachedImage, worker: str) -> bool:
    return cached.image.labels.get(labels.WORKER) == worker


def remove(
    removals: Iterable[Removal], manager: ContainerManager, records: UsageRecords
) -> Iterator[tuple[Removal, bool]]:
    """Remove one after the other; with each, whether it is gone. One that is in use stays, with its base."""
    in_use: set[str] = set()
    for removal in removals:
        cached = removal.cached
        gone = cached.record.key not in in_use and _remove(cached, manager)
        if gone and cached.name:
            records.forget(cached.record.key)
        elif not gone:
            in_use.add(cached.base_key)
        yield removal, gone


def _remove(cached: CachedImage, manager: ContainerManager) -> bool:
    try:
        manager.remove_image(cached.name or cached.image.id)
    except EngineError as error:
        if error.status != CONFLICT:
            raise
        logger.info("image %s is in use", cached.name or cached.image.id)
        return False
    return True


def prune(
    manager: ContainerManager,
    records: UsageRecords,
    limits: Limits,
    *,
    worker: str,
    clock: Callable[[], float] = time.time,
) -> tuple[Removal, ...]:
    """Remove until what is left is within the limits, as far as it is not in use; what is gone."""
    images = cached_images(manager, records)
    gone: list[Removal] = []
    kept: set[str] = set()
    left, limits = images, limits.without_missing(own_size(images, worker))
    while planned := tuple(to_remove(left, limits, worker=worker, now=clock(), kept=kept)):
        done = {removal.cached.image.id: is_gone for removal, is_gone in remove(planned, manager, records)}
        gone += [removal for removal in planned if done[removal.cached.image.id]]
        # Another one goes for each that was in use.
        kept |= {removal.cached.record.key for removal in planned if not done[removal.cached.image.id]}
        left = tuple(cached for cached in left if not done.get(cached.image.id, False))
    for removal in gone:
        logger.info(
            "image %s of %s is removed: %s", removal.cached.record.key[:12], _tags(removal), removal.reason
        )
    records.drop_old(frozenset(cached.record.key for cached in left))
    return tuple(gone)


def _tags(removal: Removal) -> str:
    return ", ".join(tag.tag_name for tag in removal.cached.record.tags)
