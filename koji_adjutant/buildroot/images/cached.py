"""The buildroot images of this host, with what is known of their use.

The engine's store is the truth about which images there are. To look at all of them takes an engine long when it has
hundreds (podman 4.3: two seconds for 200, half a minute when they have layers in common), so what it showed once is
kept in the usage records, and it is only asked whether each is still there. A scan looks at everything: it finds images
without a record, which was lost, and images that have lost their name or never got one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from koji_adjutant.buildroot.images.keys import BASE_LABEL, KIND_LABEL, image_name, unverified_names
from koji_adjutant.buildroot.images.usage import KeptImage, Kind, TagUse, UsageRecord, UsageRecords
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ImageInfo, ImageStore
from koji_adjutant.host.files import DAY

SCAN_INTERVAL = DAY


@dataclass(frozen=True, kw_only=True)
class CachedImage:
    """A buildroot image and what is known of its use."""

    record: UsageRecord
    image: KeptImage
    name: str
    """The name under which tasks find it; empty when another image has it, or it was never finished."""
    own_size: int
    """Bytes that it has to itself: an image of BuildRequires shares its base's."""

    @property
    def base_key(self) -> str:
        """The key of the image that it was made from; empty for a base."""
        return self.image.base_key

    @property
    def last_used(self) -> float:
        """When a task last had it, or when it was made."""
        return max(self.record.last_used, self.image.created)


def is_scan_due(records: UsageRecords, now: float) -> bool:
    """Whether all images of the engine should be looked at again."""
    # A clock that was set back is no reason to wait for it.
    return not 0 <= now - records.scanned <= SCAN_INTERVAL


def cached_images(
    manager: ImageStore, records: UsageRecords, *, scan: bool = False
) -> tuple[CachedImage, ...]:
    """All that are known, or with `scan` all that there are; those used last first.

    Without a record, there is nothing to know: that is a scan too.
    """
    if scan or not any(True for _ in records.all()):
        found = tuple(_scanned(manager, records))
        records.note_scan()
    else:
        found = tuple(_known(manager, records))
    sizes = {record.key: image.size for record, image, name in found if name}
    return tuple(
        sorted(
            (
                CachedImage(
                    record=record,
                    image=image,
                    name=name,
                    own_size=max(0, image.size - sizes.get(image.base_key, 0)),
                )
                for record, image, name in found
            ),
            key=lambda cached: cached.last_used,
            reverse=True,
        )
    )


_Found = tuple[UsageRecord, KeptImage, str]


def _known(manager: ImageStore, records: UsageRecords) -> Iterator[_Found]:
    for record in tuple(records.all()):
        name = image_name(record.key)
        if record.image is None:
            shown = manager.inspect_image(name)
            if shown is not None and shown.labels.get(labels.KEY) == record.key:
                kept = records.has_image(replace(record, image=kept_image(shown)))
                yield kept, kept_image(shown), name
        elif manager.has_image(name):
            yield record, record.image, name
        else:
            records.has_no_image(record)


def _scanned(manager: ImageStore, records: UsageRecords) -> Iterator[_Found]:
    for shown in manager.find_images({labels.ROLE: labels.Role.IMAGE.value}):
        key = shown.labels.get(labels.KEY, "")
        lost = record_from_labels(shown)
        if not key:
            continue
        if image_name(key) in shown.names:
            yield records.has_image(lost), kept_image(shown), image_name(key)
        elif set(shown.names) <= set(unverified_names(key)):
            # Whoever was making it was killed, or has just begun. What somebody made from a buildroot has these
            # labels too, and a name of its own.
            yield lost, kept_image(shown), ""


def kept_image(shown: ImageInfo) -> KeptImage:
    """What the usage record keeps of an image that the engine showed."""
    return KeptImage(
        id=shown.id,
        size=shown.size,
        created=shown.created,
        worker=shown.labels.get(labels.WORKER, ""),
        base_key=shown.labels.get(BASE_LABEL, ""),
    )


def record_from_labels(shown: ImageInfo) -> UsageRecord:
    """The record of an image of which nothing else is known."""
    found = shown.labels
    repo = found.get(labels.REPO, "")
    tag = TagUse(
        tag_name=found.get(labels.TAG, ""),
        tag_id=0,
        repo_ids=(int(repo),) if repo.isdigit() else (),
        last_used=shown.created,
    )
    kind = "requires" if found.get(KIND_LABEL) == "requires" else "base"
    return UsageRecord(
        key=found.get(labels.KEY, ""),
        kind=cast("Kind", kind),
        arch=found.get(labels.ARCH, ""),
        group=found.get(labels.GROUP, ""),
        tags=(tag,) if tag.tag_name else (),
        created=shown.created,
        last_used=shown.created,
        image=kept_image(shown),
    )
