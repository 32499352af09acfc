"""Buildroot images: populated roots in the engine's own store, each under a name that its content gives.

A key is a digest of what is in a root: of the packages (name, version and checksum of each), and of what else
shapes it. The image of a key has one name, and is there when that name is: it gets the name last, as a whole.

No task waits for an image. A task that had to populate its root leaves a request (a file below the cache directory),
which a helper of the daemon takes (`image_maker`). A request lives until its image is there or cannot be had.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from koji_adjutant.buildroot.installer import SCRIPT
from koji_adjutant.buildroot.package_store import Solution, SolvedPackage
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.buildroot.usage import Kind, UsageRecords
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ImageInfo
from koji_adjutant.errors import EngineDamaged, EngineError
from koji_adjutant.files import replace_json

logger = logging.getLogger("koji.adjutant.images")

EMPTY_IMAGE = "localhost/koji-adjutant-empty:1"
REPOSITORY = "localhost/koji-adjutant-buildroot"
UNVERIFIED = f"{REPOSITORY}-unverified"
KIND_LABEL = labels.PREFIX + "kind"
BASE_LABEL = labels.PREFIX + "base-key"
PACKAGES_LABEL = labels.PREFIX + "packages"
"""Digest of the NEVRAs of all packages of the root."""
RPMDB_LABEL = labels.PREFIX + "rpmdb"
"""Digest of the NEVRA and sigmd5 of all packages of the root."""
NAMED = 32
LOCK_NAMES = "koji-adjutant-image-"
"""How the names begin of containers that images are made from; whoever makes one, they are the same."""
"""Digits of a key that are in the name of its image; the label has all of it."""
CONFLICT = 409
REFUSED_SECONDS = 86400.0
"""How long an image that could not be had is not tried again."""
INSTALLER = hashlib.sha256(SCRIPT.read_bytes()).hexdigest()
"""Roots differ by what the installer's script puts into them beside the packages."""


def base_key(settings: BuildrootSettings, task_image: ImageInfo, solution: Solution) -> str:
    """What makes two populated roots the same: what is in them, and with what it was put there."""
    options = (
        settings.package_manager,
        settings.releasever,
        settings.module_hotfixes,
        settings.modules,
        settings.forcearch,
        settings.timezone,
    )
    return _digest(INSTALLER, settings.arch, settings.group, options, task_image.id, _content(solution))


def requires_key(base_key: str, solution: Solution) -> str:
    """What makes two roots the same that were made from the root of `base_key`."""
    return _digest(INSTALLER, base_key, _content(solution), sorted(solution.remove))


def _content(solution: Solution) -> list[tuple[str, str, str]]:
    return sorted((package.nevra, package.checksum_kind, package.checksum) for package in solution.install)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def packages_digest(nevras: Iterable[str]) -> str:
    """A digest of the names and versions of all packages of a root."""
    return hashlib.sha256("\n".join(sorted(nevras)).encode()).hexdigest()


def rpmdb_digest(packages: Iterable[InstalledPackage]) -> str:
    """A digest of what rpm lists inside a root: which packages, and which build of each."""
    return packages_digest(f"{package.nevra} {package.payloadhash}" for package in packages)


def image_name(key: str) -> str:
    """The name of the image of `key`."""
    return f"{REPOSITORY}:{key[:NAMED]}"


def unverified_name(key: str) -> str:
    """The name of the image of `key` while it is being made."""
    return f"{UNVERIFIED}:{key[:NAMED]}"


def unverified_names(key: str) -> tuple[str, str]:
    """That, and another: an image that grows has them in turn, so that none is ever without a name."""
    return unverified_name(key), f"{unverified_name(key)}-next"


def lock_name(key: str) -> str:
    """The name of the container that the image of `key` is made from."""
    return f"{LOCK_NAMES}{key[:NAMED]}"


def find_image(manager: ContainerManager, key: str) -> ImageInfo | None:
    """The image of `key`. One of its name that says that it has another key is none."""
    found = manager.inspect_image(image_name(key))
    return found if found is not None and found.labels.get(labels.KEY) == key else None


def mismatch(image: ImageInfo, packages: Sequence[InstalledPackage]) -> str:
    """What is wrong with a root made from `image` in which rpm lists `packages`; empty when it is the image's."""
    expected = image.labels.get(PACKAGES_LABEL)
    if expected != packages_digest(package.nevra for package in packages):
        return f"rpm lists other packages ({len(packages)}) than the image was made with"
    rpmdb = image.labels.get(RPMDB_LABEL)
    if rpmdb is not None and rpmdb != rpmdb_digest(packages):
        return "packages are of other builds than those that the image was made with"
    return ""


def discard(manager: ContainerManager, config: Config, key: str, reason: str) -> None:
    """Have nobody find the image of `key` any more, and it made anew when it is wanted again.

    What was made from it goes first: a layer that is damaged stays in the engine's storage as long as an image has it.
    """
    logger.warning("the image of key %s is thrown away: %s", key, reason)
    records = UsageRecords(config.cache_dir)
    made_from_it = [one.key for one in records.all() if one.image is not None and one.image.base_key == key]
    for one in (*made_from_it, key):
        records.forget(one)
        try:
            if not remove_unless_in_use(manager, image_name(one)):
                manager.untag_image(image_name(one))
        except (EngineError, EngineDamaged) as error:
            logger.error("the image of key %s cannot be removed: %s", one, error)  # noqa: TRY400


def remove_unless_in_use(manager: ContainerManager, image: str) -> bool:
    """Remove an image; False for one that a container uses, or that another was made from: it goes later."""
    try:
        manager.remove_image(image)
    except EngineError as error:
        if error.status != CONFLICT:
            raise
        logger.info("image %s is in use", image)
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """What the helper has to know to make an image.

    `packages` are to be installed: into an empty root, or into one of the image of `base_key`, from which those of
    `removed` go away by that. `contents` is the packages_digest of the root.
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
    """See InstallerRun."""

    @classmethod
    def of_base(
        cls, key: str, settings: BuildrootSettings, task_image: ImageInfo, solution: Solution
    ) -> Self:
        """For a root that is populated from empty."""
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
        """For the root of this request with a solved addition, in which rpm lists `packages` then."""
        return replace(
            self,
            kind="requires",
            key=key,
            base_key=self.key,
            packages=solution.install,
            removed=solution.remove,
            contents=packages_digest(package.nevra for package in packages),
        )

    def save(self, directory: Path) -> None:
        """Leave the request for the daemon; under its final name at once, one file a key.

        A request for an image that could not be had is not taken, for some time.
        """
        directory.mkdir(parents=True, exist_ok=True)
        if _is_refused(directory / f"{self.key}.refused"):
            return
        replace_json(directory / f"{self.key}.json", {**asdict(self), "removed": sorted(self.removed)})

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


def refuse(config: Config, key: str, reason: str, seconds: float = REFUSED_SECONDS) -> None:
    """Remember for some time that the image of `key` cannot be had."""
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
    if age < REFUSED_SECONDS:
        return True
    marker.unlink(missing_ok=True)
    return False


def requests_directory(config: Config) -> Path:
    """Where requests are left."""
    return config.cache_dir / "image-requests"


def pending_requests(config: Config) -> Iterator[Path]:
    """Requests that nobody has taken yet, oldest first."""
    directory = requests_directory(config)
    if directory.is_dir():
        yield from sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime)
