"""Requests for buildroot images: files that tasks leave below the cache directory, and a helper of the daemon takes.

No task waits for an image. One that had to populate its root leaves a request, from which the helper makes the image
(`buildroot.images.maker`). A request lives until its image is there or cannot be made; of one that cannot be made a
file stays beside the requests that says why, and until it is too old nobody can ask again.
"""

import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from koji_adjutant.buildroot.images.keys import BASE_LABEL, KIND_LABEL, PACKAGES_LABEL, packages_digest
from koji_adjutant.buildroot.images.usage import Kind
from koji_adjutant.buildroot.install.solutions import Solution, SolvedPackage
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ImageInfo
from koji_adjutant.host.files import JUMP, replace_json
from koji_adjutant.journal.phases import HostEvent, Journal

REFUSED_SECONDS = 86400.0
"""How long an image that could not be had is not tried again."""

logger = logging.getLogger("koji.adjutant.buildroot.images")


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """What the helper that makes images has to know to make one.

    `packages` are to be installed: into an empty root, or into one of the image of `base_key`, from which those of
    `removed` are erased with that. `contents` is the packages_digest of the root.
    """

    kind: Kind = "base"
    key: str
    base_key: str = ""
    task_image: str
    tag_name: str
    repo_id: int
    arch: str
    group: str
    packages: tuple[SolvedPackage, ...]
    removed: frozenset[str] = field(default_factory=frozenset)
    contents: str
    forced: bool = False
    """Whether rpm is to take packages of an arch that it does not know to be this machine's."""

    @classmethod
    def of_base(
        cls, key: str, settings: BuildrootSettings, task_image: ImageInfo, solution: Solution
    ) -> Self:
        """A request for a root that is populated from empty."""
        return cls(
            key=key,
            task_image=task_image.id,
            tag_name=settings.tag_name,
            repo_id=settings.repo_id,
            arch=settings.arch,
            group=settings.group,
            packages=solution.install,
            contents=packages_digest(package.nevra for package in solution.install),
            forced=bool(settings.forcearch),
        )

    def with_requires(self, key: str, solution: Solution, packages: Sequence[InstalledPackage]) -> Self:
        """A request for the root of this one with a solved addition, in which rpm lists `packages` then."""
        return replace(
            self,
            kind="requires",
            key=key,
            base_key=self.key,
            packages=solution.install,
            removed=solution.remove,
            contents=packages_digest(package.nevra for package in packages),
        )

    def save(self, directory: Path) -> bool:
        """Leave the request for the daemon, under its final name at once, one file a key; whether it is new.

        A request for an image that could not be had is not taken, for some time. One that is there keeps its place:
        what was asked for on top of it comes after it.
        """
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"{self.key}.json"
        if path.exists() or _is_refused(directory / f"{self.key}.refused"):
            return False
        replace_json(path, {**asdict(self), "removed": sorted(self.removed)})
        return True

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """A saved request; None, and the file gone, when it is none that this program makes."""
        try:
            data = json.loads(path.read_text())
            data["packages"] = tuple(SolvedPackage(**package) for package in data["packages"])
            data["removed"] = frozenset(data["removed"])
            return cls(**data)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            logger.warning("request %s is unusable: %s", path, error)
            path.unlink(missing_ok=True)
            return None

    def labels(self, worker: str) -> Mapping[str, str]:
        """The labels of the image, and of the container that it is made from."""
        return {
            labels.WORKER: worker,
            labels.ROLE: labels.Role.IMAGE.value,
            labels.KEY: self.key,
            labels.TAG: self.tag_name,
            labels.REPO: str(self.repo_id),
            labels.ARCH: self.arch,
            labels.GROUP: self.group,
            KIND_LABEL: self.kind,
            BASE_LABEL: self.base_key,
            PACKAGES_LABEL: self.contents,
        }


def ask_for_image(request: ImageRequest, config: Config, journal: Journal, task: int | None = None) -> None:
    """Leave the request for the daemon, and an event of it if it is new."""
    if request.save(requests_directory(config)):
        journal.record(
            HostEvent.IMAGE_REQUESTED,
            task=task,
            key=request.key,
            tag=request.tag_name,
            repo=request.repo_id,
            kind=request.kind,
        )


def refuse(config: Config, key: str, reason: str, seconds: float = REFUSED_SECONDS) -> None:
    """Remember for some time that the image of `key` cannot be made."""
    directory = requests_directory(config)
    directory.mkdir(parents=True, exist_ok=True)
    for marker in directory.glob("*.refused"):
        _is_refused(marker)
    marker = directory / f"{key}.refused"
    marker.write_text(f"{reason}\n")
    since = time.time() + seconds - REFUSED_SECONDS
    os.utime(marker, (since, since))


def _is_refused(marker: Path) -> bool:
    try:
        age = time.time() - marker.stat().st_mtime
    except FileNotFoundError:
        return False
    # One that is to come has a clock that was set back since, and nobody knows how old it is.
    if -JUMP < age < REFUSED_SECONDS:
        return True
    marker.unlink(missing_ok=True)
    return False


def requests_directory(config: Config) -> Path:
    """Where requests are left."""
    return config.cache_dir / "image-requests"


def pending_requests(config: Config) -> Iterator[Path]:
    """Requests that nobody has taken yet, oldest first. One may be gone the next moment: others take them, too."""
    directory = requests_directory(config)
    found: list[tuple[float, Path]] = []
    for path in directory.glob("*.json"):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, path))
    yield from (path for _, path in sorted(found))
