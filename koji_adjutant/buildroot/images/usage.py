"""What the buildroot images of this host were used for: one small file a key below the cache directory.

The engine's store says which images there are; the records order them, for removal and for what to prepare before it
is needed. So a record that is lost or damaged costs nothing but that order, and a record may stand without an image:
a dependency set is counted before it is worth one. Files are replaced as a whole under one lock and go when neither an
image nor a use within `KEEP_SECONDS` stands behind them.
"""

import fcntl
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.host.files import DAY, replace_json

Kind = Literal["base", "requires"]
VERSION = 1
KEEP_SECONDS = 30 * DAY
"""How long the record of an image that is gone is kept."""
REPOS = 5
TAGS = 20
"""Newest repos of a tag, and tags of an image, that are remembered."""

logger = logging.getLogger("koji.adjutant.buildroot.images")


@dataclass(frozen=True, kw_only=True)
class TagUse:
    """A build tag that an image served; `tag_id` is 0 where it is unknown."""

    tag_name: str
    tag_id: int
    repo_ids: tuple[int, ...] = ()
    """Newest first."""
    last_used: float = 0.0

    def again(self, tag_id: int, repo_id: int, now: float) -> Self:
        """This use of the tag with one more, of `repo_id`."""
        others = tuple(known for known in self.repo_ids if known != repo_id)
        return replace(self, tag_id=tag_id, repo_ids=(repo_id, *others)[:REPOS], last_used=now)


@dataclass(frozen=True, kw_only=True)
class KeptImage:
    """The image of a key, as the engine showed it: to ask again takes it long when it has many."""

    id: str
    size: int
    created: float
    worker: str
    """Which daemon made it."""
    base_key: str = ""
    """The key of the image that it was made from; empty for a base."""


@dataclass(frozen=True, kw_only=True)
class UsageRecord:
    """What the image of one key was used for, as its file says."""

    key: str
    kind: Kind
    arch: str
    group: str
    task_image: str = ""
    packages: int = 0
    tags: tuple[TagUse, ...] = ()
    """Last used first."""
    created: float = 0.0
    last_used: float = 0.0
    hits: int = 0
    """Tasks that started from an image instead of installing."""
    built: tuple[float, ...] = ()
    """When a dependency set was installed or found, within the last day."""
    image: KeptImage | None = None
    version: int = field(default=VERSION)

    def used(self, use: TagUse, now: float, *, hit: bool) -> Self:
        """This record with one more task, for the tag and the one repo of `use`."""
        return replace(self.serving(use), last_used=now, hits=self.hits + int(hit))

    def serving(self, use: TagUse) -> Self:
        """This record with the tag and the one repo of `use` among those that the image serves."""
        (repo_id,) = use.repo_ids
        before = next((tag for tag in self.tags if tag.tag_name == use.tag_name), use)
        others = tuple(tag for tag in self.tags if tag.tag_name != use.tag_name)
        last_used = max(before.last_used, use.last_used)
        return replace(self, tags=(before.again(use.tag_id, repo_id, last_used), *others)[:TAGS])

    @classmethod
    def parse(cls, text: str) -> Self:
        """A saved record; ValueError, TypeError or KeyError when it is none."""
        data: dict[str, Any] = json.loads(text)
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']} is not {VERSION}")
        tags = tuple(TagUse(**{**tag, "repo_ids": tuple(tag["repo_ids"])}) for tag in data["tags"])
        image = KeptImage(**data["image"]) if data.get("image") else None
        return cls(**{**data, "tags": tags, "built": tuple(data["built"]), "image": image})


@dataclass(frozen=True, kw_only=True)
class RootUse:
    """One use of a root: what it is, and for which repo of which tag."""

    kind: Kind
    tag_name: str
    tag_id: int
    repo_id: int
    arch: str
    group: str
    task_image: str
    packages: int

    @classmethod
    def of(cls, settings: BuildrootSettings, kind: Kind, task_image: str, packages: int) -> Self:
        """The use of a root that `settings` describe."""
        return cls(
            kind=kind,
            tag_name=settings.tag_name,
            tag_id=settings.tag_id,
            repo_id=settings.repo_id,
            arch=settings.arch,
            group=settings.group,
            task_image=task_image,
            packages=packages,
        )

    def by_tag(self, when: float) -> TagUse:
        """The use as one of the tag."""
        return TagUse(tag_name=self.tag_name, tag_id=self.tag_id, repo_ids=(self.repo_id,), last_used=when)

    def record(self, key: str, now: float) -> UsageRecord:
        """A new record of a root that was never used before."""
        return UsageRecord(
            key=key,
            kind=self.kind,
            arch=self.arch,
            group=self.group,
            task_image=self.task_image,
            packages=self.packages,
            created=now,
        )


class UsageRecords:
    """The records of one cache directory, shared by all processes of the host."""

    def __init__(self, cache_dir: Path, clock: Callable[[], float] = time.time) -> None:
        self._directory = cache_dir / "images"
        self._clock = clock

    def used(self, key: str, root: RootUse, *, hit: bool = True) -> None:
        """A task has a root of this key; from an image, or (not `hit`) populated by itself."""
        now = self._clock()
        self._note(key, lambda known: (known or root.record(key, now)).used(root.by_tag(now), now, hit=hit))

    def prepared(self, key: str, root: RootUse, *, last_built: float) -> None:
        """A base image of this key is there, or asked for, for a repo that no task has used yet.

        `last_built` is when a task last used the tag: preparing is no use.
        """
        use, now = root.by_tag(last_built), self._clock()
        self._note(key, lambda known: (known or root.record(key, now)).serving(use))

    def requires_built(self, key: str, root: RootUse) -> int:
        """How often the dependency set of this key was installed within a day, this time included."""
        now = self._clock()

        def count(known: UsageRecord | None) -> UsageRecord:
            record = (known or root.record(key, now)).used(root.by_tag(now), now, hit=False)
            recent = tuple(at for at in record.built if now - DAY < at <= now)
            return replace(record, built=(*recent, now))

        record = self._note(key, count)
        return len(record.built) if record else 1

    def find(self, key: str) -> UsageRecord | None:
        """The record of `key`; None when there is none."""
        return self._read(self._file(key))

    def all(self, *, since: float = 0.0) -> Iterator[UsageRecord]:
        """All records, or those that have changed since then, in no order."""
        if not self._directory.is_dir():
            return
        for file in self._directory.glob("[!.]*.json"):
            try:
                is_wanted = file.stat().st_mtime >= since
            except FileNotFoundError:
                continue
            record = self._read(file) if is_wanted else None
            if record is not None:
                yield record

    def has_image(self, lost: UsageRecord) -> UsageRecord:
        """Note the image of `lost`, which is written as it is if there is no record; the record."""
        return self._change(lost.key, lambda known: replace(known or lost, image=lost.image))

    def has_no_image(self, record: UsageRecord) -> None:
        """Note that the image of `record` is gone."""
        self._change(record.key, lambda known: replace(known or record, image=None))

    def forget(self, key: str) -> None:
        """Remove the record of `key`."""
        with self._locked():
            self._file(key).unlink(missing_ok=True)

    @property
    def scanned(self) -> float:
        """When all images of the engine were looked at; 0 for never."""
        try:
            return (self._directory / "scanned").stat().st_mtime
        except OSError:
            return 0.0

    def note_scan(self) -> None:
        """All images of the engine have been looked at."""
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / "scanned").touch()

    def drop_old(self, present: frozenset[str]) -> None:
        """Remove the records of images that are not `present` any more and were not used for long."""
        before = self._clock() - KEEP_SECONDS
        for record in tuple(self.all()):
            if record.key not in present and max(record.last_used, record.created) < before:
                self.forget(record.key)

    def _note(self, key: str, change: Callable[[UsageRecord | None], UsageRecord]) -> UsageRecord | None:
        # A full disk is no reason to fail the task that has its root already.
        try:
            return self._change(key, change)
        except OSError as error:
            logger.warning("use of image %s is not recorded: %s", key[:12], error)
            return None

    def _change(self, key: str, change: Callable[[UsageRecord | None], UsageRecord]) -> UsageRecord:
        file = self._file(key)
        with self._locked():
            record = change(self._read(file))
            replace_json(file, asdict(record))
        return record

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self, file: Path) -> UsageRecord | None:
        try:
            record = UsageRecord.parse(file.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            # Of another version, another user's, or cut short by a full disk: it begins anew.
            logger.info("%s is not understood: %s", file, error)
            return None
        return record if record.key == file.stem else None

    def _file(self, key: str) -> Path:
        if not (key.isascii() and key.isalnum()):
            raise ValueError(f"{key!r} is no image key")
        return self._directory / f"{key}.json"
