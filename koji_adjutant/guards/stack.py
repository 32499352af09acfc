"""The one place that wraps an engine: for a task, for the making of images, for the shell.

From the engine outwards: `ConfinedContainers` holds code of packages in, `InterruptionAware` tells what happens to
containers from outside, `LimitedContainers` puts the limits of the task on them. Only containers are wrapped; files,
images and the engine itself are reached as they are. What the layers see of a failure, `diagnose` puts into words.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from koji_adjutant.config import Config
from koji_adjutant.container.interface import (
    ContainerManager,
    ContainerObserver,
    Containers,
    ContainerSpec,
    ImageInfo,
    PullPolicy,
)
from koji_adjutant.guards import confinement
from koji_adjutant.guards.confinement import ConfinedContainers, Containment, confined_spec
from koji_adjutant.guards.diagnose import Evidence, diagnosed
from koji_adjutant.guards.interruptions import InterruptionAware
from koji_adjutant.guards.layers import ContainersLayer
from koji_adjutant.guards.limited import LimitedContainers, limited_spec
from koji_adjutant.policy.containers import TaskLimits

NOT_CONFINED = Containment()


@contextmanager
def guarded(
    engine: ContainerManager,
    config: Config,
    limits: TaskLimits,
    *,
    task_image: str,
    home: str,
    containment: Containment = NOT_CONFINED,
) -> Iterator[ContainerManager]:
    """`engine` as a task has it; what fails in this context says whose fault it is.

    `task_image` has the tools of the disk watch, `home` is the build user's in every root.
    """
    evidence = Evidence()
    confined = ConfinedContainers(engine, containment)
    aware = InterruptionAware(confined, config, evidence, home=home)
    limited = LimitedContainers(aware, limits, evidence, task_image=task_image)
    with diagnosed(evidence, config.disks):
        yield WrappedEngine(engine, limited, on_empty_image=limited.note_empty_image)


def confined(engine: ContainerManager, config: Config) -> ContainerManager:
    """`engine` as the making of images has it: without a user namespace, so that any worker may use them."""
    return WrappedEngine(engine, ConfinedContainers(engine, confinement.containment(config, engine)))


def guarded_spec(
    spec: ContainerSpec, engine: ContainerManager, config: Config, limits: TaskLimits
) -> ContainerSpec:
    """`spec` as a container that no task watches has it: the shell's."""
    return confined_spec(limited_spec(spec, limits), confinement.containment(config, engine))


def _ignore(_image: ImageInfo) -> None:
    return


class WrappedEngine(ContainersLayer):
    """All of an engine, whose containers are reached through `containers`, the outermost layer."""

    def __init__(
        self,
        engine: ContainerManager,
        containers: Containers,
        *,
        on_empty_image: Callable[[ImageInfo], None] = _ignore,
    ) -> None:
        super().__init__(containers)
        self._engine = engine
        self._on_empty_image = on_empty_image

    # Files

    def copy_to(self, container: str, source: Path, target: str, *, owner: tuple[int, int] = (0, 0)) -> None:
        self._engine.copy_to(container, source, target, owner=owner)

    def copy_from(
        self, container: str, source: str, target: Path, *, suffix: str = "", limit: int | None = None
    ) -> tuple[Path, ...]:
        return self._engine.copy_from(container, source, target, suffix=suffix, limit=limit)

    def copy_across(self, container: str, directory: str, target: str, *, limit: int) -> None:
        self._engine.copy_across(container, directory, target, limit=limit)

    def mount_root(self, container: str) -> str:
        return self._engine.mount_root(container)

    def export_root(self, container: str) -> AbstractContextManager[IO[bytes]]:
        return self._engine.export_root(container)

    # Images

    def ensure_image_available(self, reference: str, policy: PullPolicy) -> ImageInfo:
        return self._engine.ensure_image_available(reference, policy)

    def find_images(self, labels: Mapping[str, str]) -> tuple[ImageInfo, ...]:
        return self._engine.find_images(labels)

    def has_image(self, reference: str) -> bool:
        return self._engine.has_image(reference)

    def inspect_image(self, reference: str) -> ImageInfo | None:
        return self._engine.inspect_image(reference)

    def import_empty_image(self, reference: str) -> ImageInfo:
        image = self._engine.import_empty_image(reference)
        self._on_empty_image(image)
        return image

    def remove_image(self, reference: str) -> bool:
        return self._engine.remove_image(reference)

    def load_image(self, archive: Iterable[bytes]) -> tuple[str, ...]:
        return self._engine.load_image(archive)

    def tag_image(self, reference: str, target: str) -> None:
        self._engine.tag_image(reference, target)

    def untag_image(self, reference: str) -> None:
        self._engine.untag_image(reference)

    def commit(self, container: str, reference: str, labels: Mapping[str, str]) -> ImageInfo:
        return self._engine.commit(container, reference, labels)

    # The engine itself

    def storage_path(self) -> Path:
        return self._engine.storage_path()

    def seccomp_profile(self) -> str:
        return self._engine.seccomp_profile()

    def version(self) -> str:
        return self._engine.version()

    def ping(self) -> None:
        self._engine.ping()

    def stop_starting(self) -> None:
        self._engine.stop_starting()

    def observe(self, observer: ContainerObserver) -> None:
        self._engine.observe(observer)

    def close(self) -> None:
        self._engine.close()
