"""Buildroot images: populated roots in the engine's own store, found by label.

An image is made once per key, in a helper process of the daemon and from a container that was never started; no
task waits for it. A task that had to populate its root leaves a request (a file below the cache directory), which
the daemon's helper takes. A request is removed when its image is there; a helper that dies leaves the request,
containers that the sweep finds by label, and a directory that `remove_unfinished` finds by name. Of each build tag,
architecture and install group the newest images stay.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from koji_adjutant.buildroot.installer import InstallerRun, install
from koji_adjutant.buildroot.package_store import PackageStore, SolvedPackage
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, ImageInfo, Stream
from koji_adjutant.errors import BuildrootFailed, EngineError
from koji_adjutant.journal import Journal, Phase

logger = logging.getLogger(__name__)

EMPTY_IMAGE = "localhost/koji-adjutant-empty:1"
REPOSITORY = "localhost/koji-adjutant-buildroot"
PACKAGES_LABEL = labels.PREFIX + "packages"
KEPT = 2
"""Images of a tag, arch and group: builds that began before the newest repo still use the one before it."""
CONFLICT = 409
FORMAT = 1
"""Changes with everything that this program puts into a root."""


def image_key(settings: BuildrootSettings, task_image: ImageInfo) -> str:
    """What makes two roots the same: repo, arch, install group, how it is populated, and with which tools."""
    parts = [
        FORMAT,
        settings.tag_name,
        settings.repo_id,
        settings.baseurls,
        settings.arch,
        settings.group,
        settings.releasever,
        settings.best,
        settings.module_hotfixes,
        task_image.id,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def packages_digest(nevras: Iterable[str]) -> str:
    """A digest of the names and versions of all packages of a root."""
    return hashlib.sha256("\n".join(sorted(nevras)).encode()).hexdigest()


def find_image(manager: ContainerManager, key: str) -> ImageInfo | None:
    """The newest image for `key`."""
    return next(iter(manager.find_images({labels.KEY: key})), None)


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """What the helper has to know to make an image."""

    key: str
    task_image: str
    tag_name: str
    repo_id: int
    arch: str
    group: str
    packages: tuple[SolvedPackage, ...]

    def save(self, directory: Path) -> None:
        """Leave the request for the daemon; under its final name at once, one file a key."""
        directory.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=directory, prefix=".")
        with os.fdopen(handle, "w") as file:
            json.dump(asdict(self), file)
        Path(name).rename(directory / f"{self.key}.json")

    @classmethod
    def load(cls, path: Path) -> Self:
        """A saved request."""
        data = json.loads(path.read_text())
        data["packages"] = tuple(SolvedPackage(**package) for package in data["packages"])
        return cls(**data)

    def labels(self, worker: str) -> dict[str, str]:
        """The labels of the image, and of the container that it is made from."""
        return {
            labels.WORKER: worker,
            labels.ROLE: labels.Role.IMAGE.value,
            labels.KEY: self.key,
            labels.TAG: self.tag_name,
            labels.REPO: str(self.repo_id),
            labels.ARCH: self.arch,
            labels.GROUP: self.group,
            PACKAGES_LABEL: packages_digest(package.nevra for package in self.packages),
        }


def requests_directory(config: Config) -> Path:
    """Where requests are left."""
    return config.cache_dir / "image-requests"


def pending_requests(config: Config) -> Iterator[Path]:
    """Requests that nobody has taken yet, oldest first."""
    directory = requests_directory(config)
    if directory.is_dir():
        yield from sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime)


class _Discard:
    """The installer's output was in root.log of the task that asked for the image."""

    def write(self, stream: Stream, data: bytes) -> None:
        """Forget it."""


def make_image(path: Path, manager: ContainerManager, config: Config, worker: str, journal: Journal) -> None:
    """Make the image that the request at `path` asks for, unless it is there; the request is gone afterwards."""
    request = ImageRequest.load(path)
    try:
        if find_image(manager, request.key) is None:
            _populate_and_commit(request, manager, config, worker)
            journal.record(Phase.IMAGE_MADE, key=request.key, tag=request.tag_name, repo=request.repo_id)
            remove_superseded(manager, request)
    finally:
        path.unlink(missing_ok=True)


def remove_superseded(manager: ContainerManager, request: ImageRequest) -> None:
    """Remove older images for the same tag, arch and group; those that a container uses stay for now."""
    same = {labels.TAG: request.tag_name, labels.ARCH: request.arch, labels.GROUP: request.group}
    images = manager.find_images({labels.ROLE: labels.Role.IMAGE.value, **same})
    for image in images[KEPT:]:
        try:
            manager.remove_image(image.id)
        except EngineError as error:
            if error.status != CONFLICT:
                raise
            logger.info("image %s is superseded, and in use", image.id)


def remove_unfinished(config: Config, worker: str) -> None:
    """Remove what a helper of this worker that died has left in the cache directory; none may be running."""
    for directory in config.cache_dir.glob(f"image-{worker}-*"):
        shutil.rmtree(directory)


def _populate_and_commit(
    request: ImageRequest, manager: ContainerManager, config: Config, worker: str
) -> None:
    found = request.labels(worker)
    empty = manager.import_empty_image(EMPTY_IMAGE)
    spec = ContainerSpec(image=empty.id, command=("/bin/true",), labels=found)
    packages = Path(tempfile.mkdtemp(prefix=f"image-{worker}-", dir=config.cache_dir)) / "packages"
    try:
        PackageStore(config.cache_dir).link(request.packages, packages)
        with manager.created(spec) as container:
            run = InstallerRun(
                config=config,
                owner=labels.Owner(worker=worker),
                role=labels.Role.IMAGE,
                image=request.task_image,
                root=manager.mount_root(container),
                packages=packages,
                is_base=True,
            )
            status = install(run, manager, _Discard())
            if status:
                raise BuildrootFailed(
                    f"the image for repo {request.repo_id} cannot be populated: rpm ended with {status}"
                )
            manager.commit(container, f"{REPOSITORY}:{request.key[:24]}", found)
    finally:
        shutil.rmtree(packages.parent)
