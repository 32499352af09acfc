"""After a boot that ended with a power failure: which images are looked at before a task takes them, and the look.

`<state_dir>/boot.json` says in which boot the daemon runs, and whether it has ended in order. One that is found with
another boot in it, and no end, makes the images of that boot unchecked: `<cache_dir>/unchecked-images.json` says which
by when they were made. To tasks they are as if they were not there, until a helper has compared the census of each with
the one in its label, and thrown away what differs.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from koji_adjutant.buildroot.images.census import take_census
from koji_adjutant.buildroot.images.keys import (
    CENSUS_LABEL,
    UNCHECKED,
    Unchecked,
    discard,
    image_name,
    unchecked,
)
from koji_adjutant.buildroot.images.usage import UsageRecords
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, ImageInfo
from koji_adjutant.errors import BuildrootFailed, EngineDamaged, EngineError, Problem, TaskTimeout
from koji_adjutant.guards.stack import confined
from koji_adjutant.host.files import boot_id, replace_json, since_boot
from koji_adjutant.journal.phases import Journal

VERSION = 1
BOOT = "boot.json"

logger = logging.getLogger("koji.adjutant.buildroot.images")


def note_boot(state_dir: Path, cache_dir: Path) -> None:
    """A daemon begins: look how the last boot ended, and write down that this one has not."""
    file, now = state_dir / BOOT, time.time()
    try:
        last = json.loads(file.read_text())
        if last["boot_id"] != boot_id() and not last["clean"]:
            known = unchecked(cache_dir)
            since = min(float(last["since"]), known.since if known else now)
            replace_json(cache_dir / UNCHECKED, asdict(Unchecked(since=since, until=now)))
            logger.warning("this machine went down without an end: images of that boot are looked at first")
    except FileNotFoundError:
        pass
    except (ValueError, TypeError, KeyError) as error:
        logger.warning("%s is not understood: %s", file, error)
    except OSError as error:
        # No task is taken while the disk of these files is full; the next start finds the same.
        logger.error("%s not written: %s", cache_dir / UNCHECKED, error)  # noqa: TRY400
        return
    _write(file, now, is_clean=False)


def note_end(state_dir: Path) -> None:
    """The daemon ends in order, and makes no image any more."""
    _write(state_dir / BOOT, time.time(), is_clean=True)


def _write(file: Path, now: float, *, is_clean: bool) -> None:
    content = {"version": VERSION, "boot_id": boot_id(), "since": now - since_boot(), "clean": is_clean}
    try:
        replace_json(file, content)
    except OSError as error:
        logger.warning("%s not written: %s", file, error)


@dataclass(frozen=True, kw_only=True)
class ImageCheck:
    """The look at all of them, in a helper. EngineUnavailable leaves the rest for later."""

    manager: ContainerManager
    config: Config
    worker: str
    journal: Journal

    def run(self) -> None:
        """Look at each, throw away what is not what it was, and have tasks take the others."""
        cache = self.config.cache_dir
        self._discard_damaged()
        while (known := unchecked(cache)) and (image := next(self._left(known), None)):
            key = image.labels[labels.KEY]
            if problem := self._problem(image):
                self._throw_away(key, problem)
            replace_json(cache / UNCHECKED, asdict(replace(known, checked=(*known.checked, key))))
        (cache / UNCHECKED).unlink(missing_ok=True)

    def _discard_damaged(self) -> None:
        """An engine lists no images while there is one whose layer it does not find."""
        for record in UsageRecords(self.config.cache_dir).all():
            try:
                self.manager.inspect_image(image_name(record.key))
            except EngineDamaged as error:
                self._throw_away(record.key, Problem(f"it cannot be looked at: {error}"))

    def _throw_away(self, key: str, problem: Problem) -> None:
        discard(self.manager, self.config, key, f"after a power failure, {problem}", self.journal)

    def _left(self, known: Unchecked) -> Iterator[ImageInfo]:
        for image in self.manager.find_images({}):
            key = image.labels.get(labels.KEY, "")
            if key and image_name(key) in image.names and known.concerns(image):
                yield image

    def _problem(self, image: ImageInfo) -> Problem | None:
        """Why the image is not to be trusted; None when it is what was made."""
        key = image.labels[labels.KEY]
        expected = image.labels.get(CENSUS_LABEL)
        record = UsageRecords(self.config.cache_dir).find(key)
        if not expected:
            return Problem("nothing says what was in it")
        tools = record.task_image if record and record.task_image else self.config.task_image_default
        owner = labels.Owner(worker=self.worker)
        spec = ContainerSpec(image=image.id, command=("/bin/true",), labels=owner.labels(labels.Role.IMAGE))
        try:
            with self.manager.created(spec) as container:
                root = self.manager.mount_root(container)
                found = take_census(self.manager, self.config, owner, tools, root)
        except (BuildrootFailed, EngineDamaged, EngineError, TaskTimeout) as error:
            return Problem(f"it cannot be looked at: {error}")
        if found.digest != expected:
            return Problem("its files are not those that it was made with")
        return None


def check_images(manager: ContainerManager, config: Config, worker: str, journal: Journal) -> None:
    """Look at all images that are unchecked, and throw away those that are not what they were (ImageCheck)."""
    ImageCheck(manager=confined(manager, config), config=config, worker=worker, journal=journal).run()
