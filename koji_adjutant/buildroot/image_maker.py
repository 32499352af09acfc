"""Makes buildroot images, in a helper process of the daemon, from containers that are never started.

A helper that dies leaves the request, containers that the sweep finds by label, and a directory that
`remove_unfinished` finds by name.
"""

import shutil
import tempfile
from pathlib import Path

from koji_adjutant.buildroot.images import EMPTY_IMAGE, ImageRequest, find_image, image_name
from koji_adjutant.buildroot.installer import InstallerRun, install
from koji_adjutant.buildroot.package_store import PackageStore
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, Stream
from koji_adjutant.errors import BuildrootFailed
from koji_adjutant.journal import Journal, Phase


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
    finally:
        path.unlink(missing_ok=True)


def remove_unfinished(config: Config, worker: str) -> None:
    """Remove what a helper of this worker that died has left in the cache directory; none may be running."""
    for directory in config.cache_dir.glob(f"image-{worker}-*"):
        shutil.rmtree(directory)


def _populate_and_commit(
    request: ImageRequest, manager: ContainerManager, config: Config, worker: str
) -> None:
    found = request.labels(worker)
    if request.base_key:
        base = find_image(manager, request.base_key)
        if base is None:
            raise BuildrootFailed(f"the image of key {request.key} has no base: {request.base_key} is gone")
    else:
        base = manager.import_empty_image(EMPTY_IMAGE)
    spec = ContainerSpec(image=base.id, command=("/bin/true",), labels=found)
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
                is_base=request.kind == "base",
            )
            status = install(run, manager, _Discard())
            if status:
                raise BuildrootFailed(
                    f"the image for repo {request.repo_id} cannot be populated: rpm ended with {status}"
                )
            manager.commit(container, image_name(request.key), found)
    finally:
        shutil.rmtree(packages.parent)
