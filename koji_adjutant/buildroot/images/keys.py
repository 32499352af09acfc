"""Buildroot images: populated roots in the engine's own store, each under a name that its content gives.

A key is a digest of what is in a root: of the packages (name, version and checksum of each), and of what else
shapes it. The image of a key has one name, and is there when that name is: it gets the name last, as a whole. After a
boot that ended with a power failure, tasks take none that was made in it (`is_unchecked`) before somebody has looked at
it (koji_adjutant.buildroot.images.unclean_boot).
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.buildroot.install.solutions import Solution
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ImageInfo, ImageStore
from koji_adjutant.errors import EngineDamaged, EngineError, Problem
from koji_adjutant.host.files import JUMP
from koji_adjutant.journal.phases import HostEvent, Journal

logger = logging.getLogger("koji.adjutant.buildroot.images")

EMPTY_IMAGE = "localhost/koji-adjutant-empty:2"
EARLIER_EMPTY_IMAGES = ("localhost/koji-adjutant-empty:1",)
"""What versions before made their roots from."""
REPOSITORY = "localhost/koji-adjutant-buildroot"
UNVERIFIED = f"{REPOSITORY}-unverified"
KIND_LABEL = labels.PREFIX + "kind"
BASE_LABEL = labels.PREFIX + "base-key"
PACKAGES_LABEL = labels.PREFIX + "packages"
"""Digest of the NEVRAs of all packages of the root."""
RPMDB_LABEL = labels.PREFIX + "rpmdb"
"""Digest of the NEVRA and sigmd5 of all packages of the root."""
CENSUS_LABEL = labels.PREFIX + "census"
"""Digest of every path of the root with its properties (koji_adjutant.buildroot.images.census)."""
KEY_DIGITS = 32
"""Digits of a key that are in the name of its image; the label has all of it."""
LOCK_NAMES = "koji-adjutant-image-"
"""How the names of containers begin that images are made from, whichever worker makes the image."""
POPULATED = "91f663790bdd80a5143866dd23ea74f108222dabef5cecffc8b7504c72f767b0"
"""Part of every key. It changes when the installer's programs make other roots of the same packages; images of before
are then no longer found. It is not a digest of the programs, of which most changes change no root: a test asks about
each. Which packages are in a root decides nothing but what the root is, so images of what an older solver chose stay
right."""
UNCHECKED, UNCHECKED_VERSION = "unchecked-images.json", 1
"""In the cache directory: which images no task may take yet."""


@dataclass(frozen=True, kw_only=True)
class Unchecked:
    """Images that were made between two times of day, but those of the keys `checked`."""

    since: float
    until: float
    checked: tuple[str, ...] = ()
    version: int = UNCHECKED_VERSION

    def concerns(self, image: ImageInfo) -> bool:
        """Whether the image is to be looked at first. Clocks, ours or the engine's, may have been set."""
        is_of_then = self.since - JUMP <= image.created <= self.until + JUMP
        return is_of_then and image.labels.get(labels.KEY) not in self.checked


def base_key(settings: BuildrootSettings, task_image: ImageInfo, solution: Solution) -> str:
    """The key of a root that is populated from empty: of its packages, and of what populates it."""
    options = (
        settings.package_manager,
        settings.releasever,
        settings.module_hotfixes,
        settings.modules,
        settings.forcearch,
        settings.timezone,
    )
    return _digest(POPULATED, settings.arch, settings.group, options, task_image.id, _content(solution))


def requires_key(base_key: str, solution: Solution) -> str:
    """The key of a root that a solution makes of the root of `base_key`."""
    return _digest(POPULATED, base_key, _content(solution), sorted(solution.remove))


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
    return f"{REPOSITORY}:{key[:KEY_DIGITS]}"


def unverified_name(key: str) -> str:
    """The name of the image of `key` while it is being made."""
    return f"{UNVERIFIED}:{key[:KEY_DIGITS]}"


def unverified_names(key: str) -> tuple[str, str]:
    """All names of an image while it is being made: one that grows has them in turn, and is never without a name."""
    return unverified_name(key), f"{unverified_name(key)}-next"


def lock_name(key: str) -> str:
    """The name of the container that the image of `key` is made from."""
    return f"{LOCK_NAMES}{key[:KEY_DIGITS]}"


def find_image(manager: ImageStore, key: str) -> ImageInfo | None:
    """The image of `key`. One of its name that says that it has another key is none."""
    found = manager.inspect_image(image_name(key))
    return found if found is not None and found.labels.get(labels.KEY) == key else None


def unchecked(cache_dir: Path) -> Unchecked | None:
    """Which images are to be looked at; None when none are."""
    try:
        data = json.loads((cache_dir / UNCHECKED).read_text())
        if data["version"] != UNCHECKED_VERSION:
            return None
        return Unchecked(**{**data, "checked": tuple(data["checked"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def is_unchecked(cache_dir: Path, image: ImageInfo) -> bool:
    """Whether no task may take the image yet."""
    found = unchecked(cache_dir)
    return found is not None and found.concerns(image)


def mismatch(image: ImageInfo, packages: Sequence[InstalledPackage]) -> Problem | None:
    """What is wrong with a root made from `image` in which rpm lists `packages`; None when it is the image's."""
    expected = image.labels.get(PACKAGES_LABEL)
    if expected != packages_digest(package.nevra for package in packages):
        return Problem(f"rpm lists other packages ({len(packages)}) than the image was made with")
    rpmdb = image.labels.get(RPMDB_LABEL)
    if rpmdb is not None and rpmdb != rpmdb_digest(packages):
        return Problem("packages are of other builds than those that the image was made with")
    return None


def discard(manager: ImageStore, config: Config, key: str, reason: str, journal: Journal) -> None:
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
    journal.record(HostEvent.IMAGE_REMOVED, key=key, reason=reason)


def remove_unless_in_use(manager: ImageStore, image: str) -> bool:
    """Remove an image; False for one that a container uses, or that another was made from: it goes later."""
    try:
        manager.remove_image(image)
    except EngineError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        logger.info("image %s is in use", image)
        return False
    return True
