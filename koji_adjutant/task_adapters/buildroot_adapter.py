"""What the adapters of tasks with a buildroot share: the way from a task to a build container that the hub knows.

The build container is there as long as the context of `prepared`; when the work was done it goes in the background,
otherwise at once. The hub wants the base set while its record of the buildroot is new, and builds only after that
(kojid-facts 4.3): inside the context both have happened. What the hub and the repo say of origins is read, and the
source package staged, while the container starts.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.initializer import Buildroot, BuildrootInitializer
from koji_adjutant.buildroot.origins import Origins, read_origins
from koji_adjutant.buildroot.record import BuildrootRecord
from koji_adjutant.buildroot.settings import BUILD_IDS, BuildrootSettings
from koji_adjutant.container.interface import ContainerManager, ContainerSpec
from koji_adjutant.hub_files import through_outages
from koji_adjutant.journal import Phase
from koji_adjutant.task_adapters.base import BaseTaskAdapter, TaskContext
from koji_adjutant.task_adapters.logs import TaskLogs
from koji_adjutant.task_adapters.rpmbuild import Narrator, build_container_spec, stage_home


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A build container with the source package in the build user's home."""

    buildroot: Buildroot
    origins: Origins
    narrator: Narrator


@dataclass(kw_only=True)
class BuildrootAdapter(BaseTaskAdapter):
    """A task that works on a source package in a buildroot."""

    settings: BuildrootSettings
    srpm: Path
    record: BuildrootRecord
    initializer: BuildrootInitializer
    logs: TaskLogs

    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:  # noqa: ARG002
        """The build container."""
        return build_container_spec(ctx, self.settings, self.record.id)

    @contextmanager
    def prepared(self, ctx: TaskContext, manager: ContainerManager) -> Iterator[Prepared]:
        """Everything up to the first command of the package's own."""
        narrator, containers = Narrator(ctx, self.logs), self.initializer.containers
        narrator.begin("init")
        with containers.working():
            metadata = self.initializer.solver.metadata
            read = partial(read_origins, ctx.session, self.settings, metadata)
            origins = containers.beside(lambda: through_outages(ctx.session.getAPIVersion, read))
            home = containers.beside(partial(stage_home, ctx.workdir / "stage", self.settings, self.srpm))
            buildroot = self.initializer.build_container(self.build_spec(ctx, ctx.parameters))
            ctx.journal.record(Phase.BUILDROOT_READY, task=ctx.task_id, container=buildroot.container)
            self.record.set_list(origins.result().rows(buildroot.packages))
            self.record.building()
            narrator.end()
            manager.copy_to(buildroot.container, home.result(), "/", owner=BUILD_IDS)
            yield Prepared(buildroot=buildroot, origins=origins.result(), narrator=narrator)
