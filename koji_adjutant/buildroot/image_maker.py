"""Makes buildroot images: in a helper process, slowly, from containers that are never started.

The container that a root is populated in has a name that the key gives, so that of all workers of an engine one makes
the image; it holds that name until the image has its own. The root is exported and loaded again in layers, each on
top of the last (an engine answers nobody while it writes a layer, so between two of them it is left alone), under a
name that no task looks for. Only an image whose census is that of the root gets the name that tasks find.

A helper that dies leaves its request, and what the next one, a sweep or `remove_unfinished` removes: a container, a
directory, an image without its final name. An image that cannot be had is not tried again for a day.
"""

import fcntl
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from koji_adjutant.buildroot.census import LOW_WEIGHT, Census, take_census
from koji_adjutant.buildroot.contained import ContainedManager
from koji_adjutant.buildroot.containment import containment
from koji_adjutant.buildroot.half_made import remove_unverified
from koji_adjutant.buildroot.image_layers import plan_layers, read_members
from koji_adjutant.buildroot.image_loader import ImageLoader
from koji_adjutant.buildroot.images import (
    EMPTY_IMAGE,
    RPMDB_LABEL,
    ImageRequest,
    find_image,
    image_name,
    lock_name,
    packages_digest,
    refuse,
    requests_directory,
    rpmdb_digest,
    unverified_names,
)
from koji_adjutant.buildroot.installer import InstallerRun, installer_spec
from koji_adjutant.buildroot.package_store import PackageStore
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import (
    ContainerInfo,
    ContainerManager,
    ContainerSpec,
    ImageInfo,
    Stream,
)
from koji_adjutant.disks import SAID_BY_PROGRAMS, want_of_space
from koji_adjutant.errors import BuildrootFailed, EngineBroken, EngineError, TaskTimeout
from koji_adjutant.files import replace_json
from koji_adjutant.journal import Journal, Phase

PIECE = 1 << 20
ATTENTION = 16 << 20
"""Bytes of an export after which somebody else may have the engine."""
TAKE_OVER_SECONDS = 3600.0
ENGINE_SECONDS = 600.0
"""How long an image is not tried again that the engine refused a part of: that may have been its bad day."""
INSTALL_SECONDS = 1800.0
"""A task installed the same packages, so nothing here takes long for a good reason."""
CONFLICT = 409
KILLED = 137

logger = logging.getLogger("koji.adjutant.images")

Pause = Callable[[float], None]
"""Leaves the engine to others, after having had it for some seconds."""


class MadeElsewhere(BuildrootFailed):
    """Somebody else is making this image."""


class NotNow(BuildrootFailed):
    """What the image is made of is gone; a task that misses the image brings it back, and asks again."""


class _Output:
    """The installer's output was in root.log of the task that asked for the image; its end is kept."""

    KEPT = 1000

    def __init__(self) -> None:
        self.end = b""

    def write(self, stream: Stream, data: bytes) -> None:  # noqa: ARG002
        self.end = (self.end + data)[-self.KEPT :]


@dataclass(frozen=True, kw_only=True)
class ImageMaker:
    """Makes images for one worker, one at a time."""

    manager: ContainerManager
    config: Config
    worker: str
    journal: Journal
    pause: Pause = time.sleep

    def make(self, path: Path) -> bool:
        """Have the image that the request at `path` asks for; whether that is settled, and the request gone.

        It is settled too when the image cannot be had. EngineUnavailable leaves the request for later.
        """
        request = ImageRequest.load(path)
        if request is None:
            return True
        try:
            with self._alone():
                self._make(request)
        except MadeElsewhere as error:
            logger.info("%s", error)
            return False
        except NotNow as error:
            logger.info("no image of key %s for now: %s", request.key, error)
        except (EngineError, EngineBroken, TaskTimeout) as error:
            logger.warning("no image of key %s for some minutes: %s", request.key, error)
            refuse(self.config, request.key, str(error), ENGINE_SECONDS)
        except BuildrootFailed as error:
            logger.warning("no image of key %s: %s", request.key, error)
            refuse(self.config, request.key, str(error))
        except OSError as error:
            if want_of_space(error) is None:
                raise
            # The next task that misses it asks again, and may find room.
            logger.warning("no image of key %s for now: %s", request.key, error)
        path.unlink(missing_ok=True)
        self._seen(request.key).unlink(missing_ok=True)
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Whoever holds this is the only one of this worker: what another one has left can go.
        with (self.config.cache_dir / "image-making.lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MadeElsewhere("another process of this host is making an image") from None
            remove_unfinished(self.config, self.worker)
            yield

    def _make(self, request: ImageRequest) -> None:
        began = time.monotonic()
        if find_image(self.manager, request.key):
            self._remove_unverified(request.key)
            return
        base = self._base(request)
        with (
            tempfile.TemporaryDirectory(prefix=f"image-{self.worker}-", dir=self.config.cache_dir) as scratch,
            self._only_one(request, base) as container,
        ):
            if find_image(self.manager, request.key):
                return
            self._remove_unverified(request.key)
            try:
                self._make_from(container, request, base, Path(scratch))
            except (BuildrootFailed, EngineError, EngineBroken, TaskTimeout):
                self._remove_unverified(request.key)
                raise
        self.journal.record(
            Phase.IMAGE_MADE,
            key=request.key,
            tag=request.tag_name,
            repo=request.repo_id,
            kind=request.kind,
            seconds=round(time.monotonic() - began, 2),
        )

    def _base(self, request: ImageRequest) -> ImageInfo:
        if request.kind == "base":
            return self.manager.import_empty_image(EMPTY_IMAGE)
        found = find_image(self.manager, request.base_key)
        if found is None:
            raise NotNow(f"the image of its base, {request.base_key}, is gone")
        return found

    @contextmanager
    def _only_one(self, request: ImageRequest, base: ImageInfo) -> Iterator[str]:
        """The container that is populated. Its name says to all workers that this image is being made."""
        spec = ContainerSpec(
            image=base.id,
            command=("/bin/true",),
            labels=request.labels(self.worker),
            name=lock_name(request.key),
        )
        held = self.manager.inspect(spec.name)
        if held is not None:
            if held.labels.get(labels.WORKER) != self.worker and not self._is_abandoned(held, request.key):
                raise MadeElsewhere(f"the image of key {request.key} is being made by another worker")
            logger.info("container %s was left behind", spec.name)
            self.manager.remove(held.id)
        try:
            container = self.manager.create(spec)
        except EngineError as error:
            if error.status != CONFLICT:
                raise
            raise MadeElsewhere(f"the image of key {request.key} is being made by another worker") from error
        try:
            yield container
        finally:
            self.manager.remove(container)

    def _is_abandoned(self, held: ContainerInfo, key: str) -> bool:
        """Whether this host has seen the same container for long: clocks, ours or the engine's, may have been set."""
        file, now = self._seen(key), time.monotonic()
        try:
            seen = json.loads(file.read_text())
            since = float(seen["since"]) if seen["container"] == held.id else now
        except (OSError, ValueError, TypeError, KeyError):
            since = now
        if since >= now:
            replace_json(file, {"container": held.id, "since": now})
        return now - since > TAKE_OVER_SECONDS

    def _seen(self, key: str) -> Path:
        return requests_directory(self.config) / f"{key}.seen"

    def _remove_unverified(self, key: str) -> None:
        remove_unverified(self.manager, key)

    def _make_from(self, container: str, request: ImageRequest, base: ImageInfo, scratch: Path) -> None:
        root = self.manager.mount_root(container)
        # An engine's own list of changes takes seconds, in which it answers nobody.
        untouched = self._census(request, root) if request.kind == "requires" else None
        self._populate(request, root, scratch)
        before = self._census(request, root)
        if reason := self._unfit(request, before):
            raise BuildrootFailed(f"the root that was populated for it is not kept: {reason}")
        members = tuple(read_members(self._export(container, scratch / "root.tar")))
        loader = ImageLoader(
            manager=self.manager,
            names=unverified_names(request.key),
            labels={**request.labels(self.worker), RPMDB_LABEL: rpmdb_digest(before.packages)},
            architecture=base.architecture,
            root=scratch / "root.tar",
            entry=before.root,
            pause=self.pause,
        )
        if untouched is not None:
            layers = plan_layers(members, before.since(untouched))
            image = loader.load(layers, base.layers, container=container)
        else:
            image = loader.load(plan_layers(members))
        self._verify(request, image, before)

    def _populate(self, request: ImageRequest, root: str, scratch: Path) -> None:
        packages = scratch / "packages"
        try:
            PackageStore(self.config.cache_dir).link(request.packages, packages)
        except BuildrootFailed as error:
            raise NotNow(error.message) from error
        run = InstallerRun(
            config=self.config,
            owner=labels.Owner(worker=self.worker),
            role=labels.Role.IMAGE,
            image=request.task_image,
            root=root,
            packages=packages,
            is_base=request.kind == "base",
            arch=request.arch,
            forced=request.forced,
        )
        spec = installer_spec(run)
        output = _Output()
        low = replace(spec, limits=replace(spec.limits, cpu_weight=LOW_WEIGHT))
        status = self.manager.run(low, output, timeout=INSTALL_SECONDS)
        shutil.rmtree(packages)
        if status:
            said = " ".join(output.end.decode(errors="replace").split())
            # No package is to blame for a full disk, or a container that was killed, and the next time may be soon.
            is_hosts = status == KILLED or SAID_BY_PROGRAMS.search(output.end)
            kind = EngineBroken if is_hosts else BuildrootFailed
            raise kind(f"rpm ended with status {status} in its root: {said}")

    def _census(self, request: ImageRequest, root: str) -> Census:
        owner = labels.Owner(worker=self.worker)
        return take_census(self.manager, self.config, owner, request.task_image, root)

    def _unfit(self, request: ImageRequest, census: Census) -> str:
        if packages_digest(package.nevra for package in census.packages) != request.contents:
            return f"rpm lists other packages in it ({len(census.packages)}) than in the task's that asked for it"
        return census.unfit()

    def _export(self, container: str, path: Path) -> Path:
        with self.manager.export_root(container) as stream, path.open("wb") as file:
            began, taken = time.monotonic(), 0
            while piece := stream.read(PIECE):
                file.write(piece)
                taken += len(piece)
                if taken >= ATTENTION:
                    self.pause(time.monotonic() - began)
                    began, taken = time.monotonic(), 0
        return path

    def _verify(self, request: ImageRequest, image: ImageInfo, before: Census) -> None:
        spec = ContainerSpec(image=image.id, command=("/bin/true",), labels=request.labels(self.worker))
        with self.manager.created(spec) as container:
            after = self._census(request, self.manager.mount_root(container))
        if difference := before.difference(after):
            raise BuildrootFailed(f"the image that was made of its root is another: {difference}")
        self.manager.tag_image(image.id, image_name(request.key))
        self._remove_unverified(request.key)


def make_image(
    path: Path,
    manager: ContainerManager,
    config: Config,
    worker: str,
    journal: Journal,
    *,
    pause: Pause = time.sleep,
) -> bool:
    """Have the image that the request at `path` asks for; whether that is settled. See ImageMaker."""
    contained = ContainedManager(manager, containment(config, manager)).manager
    maker = ImageMaker(manager=contained, config=config, worker=worker, journal=journal, pause=pause)
    return maker.make(path)


def remove_unfinished(config: Config, worker: str) -> None:
    """Remove what a helper of this worker that died has left in the cache directory; none may be running."""
    for directory in config.cache_dir.glob(f"image-{worker}-*"):
        shutil.rmtree(directory)
