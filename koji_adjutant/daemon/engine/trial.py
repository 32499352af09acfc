"""A trial of the engine: a container of the default task image that does nothing, made, run and removed.

It meets with what a task would: a full or damaged storage, a runtime that does not work. In a helper process, whose
name its container carries, so that a sweep finds it when the helper is killed.
"""

import os
from dataclasses import dataclass

from koji_adjutant.buildroot.images.keys import EMPTY_IMAGE
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink, ResourceLimits
from koji_adjutant.container.programs import USER_PATH, NullSink
from koji_adjutant.daemon.cleanup.bound_containers import process_label
from koji_adjutant.errors import EngineBroken, EngineError

SECONDS = 60.0
NOTHING = ("/bin/bash", "-c", ":")
NO_LIMITS, FORGOTTEN = ResourceLimits(), NullSink()


@dataclass(frozen=True, kw_only=True)
class EngineTrial:
    """How a worker tries its engine."""

    config: Config
    worker: str
    command: tuple[str, ...] = NOTHING
    limits: ResourceLimits = NO_LIMITS

    def __call__(self, manager: ContainerManager, sink: LogSink = FORGOTTEN) -> None:
        """EngineUnavailable, with the engine's own reason, when it cannot do what a task needs.

        `sink` gets what the command says; nothing, where the image is not there yet.
        """
        reference = self.config.task_image_default
        try:
            image = manager.inspect_image(reference)
            if image is not None:
                self._run(manager, reference, image.id, sink)
            else:
                # It would be pulled for a task; what the storage can do shows without.
                with manager.created(self._spec(manager.import_empty_image(EMPTY_IMAGE).id)):
                    return
        except EngineError as error:
            raise EngineBroken(
                f"the engine cannot run a container of image {reference}: {error.message}",
                hint="if the image is damaged, remove it (podman rmi --force) and pull or load it again",
            ) from error

    def _run(self, manager: ContainerManager, reference: str, image: str, sink: LogSink) -> None:
        status = manager.run(self._spec(image), sink, timeout=SECONDS)
        if status:
            raise EngineBroken(
                f"bash in a container of image {reference} ended with status {status}",
                hint="if the image is damaged, remove it (podman rmi --force) and pull or load it again",
            )

    def _spec(self, image: str) -> ContainerSpec:
        return ContainerSpec(
            image=image,
            command=self.command,
            labels={
                labels.WORKER: self.worker,
                labels.ROLE: labels.Role.TOOL.value,
                labels.PROCESS: process_label(os.getpid()),
            },
            environment={"PATH": USER_PATH},
            limits=self.limits,
        )
