"""Makes buildroot images: in a helper process, slowly, from containers that are never started.

Of all workers of an engine one makes the image (`Reservation`). How the root becomes an image is an `ImageWriter`'s
affair; until it is verified the image has a name that no task looks for. Only an
image whose census is that of the root gets the name that tasks find, when its files are on the disk: a power failure
must not leave an image of empty files under it.

A helper that dies leaves its request, and what the next one, or a sweep, removes (`buildroot.images.unfinished`): a
container, a directory, an image without its final name. An image that cannot be made is not tried again for a day.
"""

import fcntl
import logging
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.images.census import Census, take_census
from koji_adjutant.buildroot.images.keys import (
    CENSUS_LABEL,
    EMPTY_IMAGE,
    RPMDB_LABEL,
    find_image,
    image_name,
    is_unchecked,
    packages_digest,
    rpmdb_digest,
    unverified_names,
)
from koji_adjutant.buildroot.images.layered.writer import LayeredWriter
from koji_adjutant.buildroot.images.population import NotNow, Population
from koji_adjutant.buildroot.images.requests import REFUSED_SECONDS, ImageRequest, refuse
from koji_adjutant.buildroot.images.reservation import TAKE_OVER_SECONDS, MadeElsewhere, Reservation
from koji_adjutant.buildroot.images.unfinished import remove_scratch, remove_unverified, scratch_prefix
from koji_adjutant.buildroot.images.writer import ImageWriter, Pause, PopulatedRoot
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, ImageInfo
from koji_adjutant.errors import BuildrootFailed, EngineBroken, EngineError, Problem, TaskTimeout
from koji_adjutant.guards.stack import confined
from koji_adjutant.host.disks import sync, want_of_space
from koji_adjutant.journal.phases import HostEvent, Journal, Phase

ENGINE_SECONDS = 600.0
"""How long an image is not tried again that the engine refused a part of: that may have been its bad day."""

logger = logging.getLogger("koji.adjutant.buildroot.images")


@dataclass(frozen=True, kw_only=True)
class ImageMaker:
    """Makes images for one worker, one at a time."""

    manager: ContainerManager
    config: Config
    worker: str
    journal: Journal
    writer: ImageWriter
    storage: Path | None = None
    """A directory on the file system of the engine's storage, where that is on this host."""
    take_over_seconds: float = TAKE_OVER_SECONDS

    def make(self, path: Path) -> bool:
        """Have the image that the request at `path` asks for; whether that is settled, and the request gone.

        The request is settled, too, when the image cannot be made. EngineUnavailable leaves the request for later.
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
            self.journal.record(HostEvent.IMAGE_FAILED, key=request.key, reason=str(error))
        except (EngineError, EngineBroken, TaskTimeout) as error:
            logger.warning("no image of key %s for some minutes: %s", request.key, error)
            self._refuse(request, error, ENGINE_SECONDS)
        except BuildrootFailed as error:
            logger.warning("no image of key %s: %s", request.key, error)
            self._refuse(request, error, REFUSED_SECONDS)
        except OSError as error:
            if want_of_space(error) is None:
                raise
            # The next task that misses it asks again, and may find room.
            logger.warning("no image of key %s for now: %s", request.key, error)
            self.journal.record(HostEvent.IMAGE_FAILED, key=request.key, reason=str(error))
        path.unlink(missing_ok=True)
        self._reservation.forget(request.key)
        return True

    @property
    def _reservation(self) -> Reservation:
        return Reservation(
            manager=self.manager,
            config=self.config,
            worker=self.worker,
            take_over_seconds=self.take_over_seconds,
        )

    def _refuse(self, request: ImageRequest, error: Exception, seconds: float) -> None:
        refuse(self.config, request.key, str(error), seconds)
        self.journal.record(
            HostEvent.IMAGE_FAILED, key=request.key, reason=str(error), again_after_seconds=seconds
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Whoever holds this is the only one of this worker: what another one has left can go.
        with (self.config.cache_dir / "image-making.lock").open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MadeElsewhere("another process of this host is making an image") from None
            remove_scratch(self.config, self.worker)
            yield

    def _make(self, request: ImageRequest) -> None:
        began = time.monotonic()
        if find_image(self.manager, request.key):
            remove_unverified(self.manager, request.key)
            return
        base = self._base(request)
        with (
            tempfile.TemporaryDirectory(
                prefix=scratch_prefix(self.worker), dir=self.config.cache_dir
            ) as scratch,
            self._reservation.held(request, base) as container,
        ):
            if find_image(self.manager, request.key):
                return
            remove_unverified(self.manager, request.key)
            self.journal.record(
                HostEvent.IMAGE_BEGUN, key=request.key, tag=request.tag_name, kind=request.kind
            )
            try:
                self._make_from(container, request, base, Path(scratch))
            except (BuildrootFailed, EngineError, EngineBroken, TaskTimeout):
                remove_unverified(self.manager, request.key)
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
        if is_unchecked(self.config.cache_dir, found):
            raise NotNow(f"the image of its base, {request.base_key}, is looked at after a power failure")
        return found

    def _make_from(self, container: str, request: ImageRequest, base: ImageInfo, scratch: Path) -> None:
        root = self.manager.mount_root(container)
        earlier = self._census(request, root) if request.kind == "requires" else None
        population = Population(manager=self.manager, config=self.config, worker=self.worker)
        population.run(request, container, root, scratch)
        census = self._census(request, root)
        if problem := self._unfit(request, census):
            raise BuildrootFailed(f"the root that was populated for it is not kept: {problem}")
        populated = PopulatedRoot(
            container=container,
            base=base,
            census=census,
            earlier=earlier,
            names=unverified_names(request.key),
            labels={
                **request.labels(self.worker),
                RPMDB_LABEL: rpmdb_digest(census.packages),
                CENSUS_LABEL: census.digest,
            },
            scratch=scratch,
        )
        self._verify(request, self.writer.write(populated), census)

    def _census(self, request: ImageRequest, root: str) -> Census:
        owner = labels.Owner(worker=self.worker)
        return take_census(self.manager, self.config, owner, request.task_image, root)

    def _unfit(self, request: ImageRequest, census: Census) -> Problem | None:
        if packages_digest(package.nevra for package in census.packages) != request.contents:
            number = len(census.packages)
            return Problem(f"rpm lists other packages in it ({number}) than in the task's that asked for it")
        return census.unfit()

    def _verify(self, request: ImageRequest, image: ImageInfo, before: Census) -> None:
        spec = ContainerSpec(image=image.id, command=("/bin/true",), labels=request.labels(self.worker))
        with self.manager.created(spec) as container:
            after = self._census(request, self.manager.mount_root(container))
        if difference := before.difference(after):
            raise BuildrootFailed(f"the image that was made of its root is another: {difference}")
        self._write_through()
        self.manager.tag_image(image.id, image_name(request.key))
        remove_unverified(self.manager, request.key)

    def _write_through(self) -> None:
        """An engine syncs what it knows of an image, and not the files in it: after a power failure they are empty."""
        if self.storage is None:
            return
        began = time.monotonic()
        try:
            is_done = sync(self.storage)
        except OSError as error:
            raise EngineBroken(
                f"the files of an image are not on the disk of {self.storage}: {error}"
            ) from error
        logger.info(
            "storage %s %s in %.2f s",
            self.storage,
            "synced" if is_done else "cannot be synced",
            time.monotonic() - began,
        )


def make_image(
    path: Path,
    manager: ContainerManager,
    config: Config,
    worker: str,
    journal: Journal,
    *,
    pause: Pause = time.sleep,
    storage: Path | None = None,
) -> bool:
    """Have the image that the request at `path` asks for; whether that is settled, and the request gone.

    `pause` is called between two steps, each of which has had the engine. EngineUnavailable leaves the request.
    """
    contained = confined(manager, config)
    maker = ImageMaker(
        manager=contained,
        config=config,
        worker=worker,
        journal=journal,
        writer=LayeredWriter(manager=contained, pause=pause),
        storage=storage,
    )
    return maker.make(path)
