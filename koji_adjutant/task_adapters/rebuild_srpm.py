"""rebuildSRPM: the source package that the build root itself makes of an uploaded one (kojid-facts 4.9).

It runs as the build user like any other package code: rpmbuild -bs expands the spec's macros, and those are the
package's. The hub gets the base set only, as from kojid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.initializer import BuildrootInitializer
from koji_adjutant.buildroot.origins import read_origins
from koji_adjutant.buildroot.record import BuildrootRecord
from koji_adjutant.buildroot.settings import BUILD_IDS, TOPDIR, BuildrootSettings
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink
from koji_adjutant.errors import BuildFailed
from koji_adjutant.journal import Phase
from koji_adjutant.task_adapters.base import BaseTaskAdapter, TaskContext
from koji_adjutant.task_adapters.logs import TaskLogs
from koji_adjutant.task_adapters.rpmbuild import (
    BUILT,
    Narrator,
    build_container_spec,
    run_script,
    stage_home,
    write_host_logs,
)


@dataclass(kw_only=True)
class RebuildSRPMAdapter(BaseTaskAdapter):
    """One rebuildSRPM task. `result` is the list of source packages that were made, on disk."""

    settings: BuildrootSettings
    srpm: Path
    record: BuildrootRecord
    initializer: BuildrootInitializer
    logs: TaskLogs

    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:  # noqa: ARG002
        """The build container."""
        return build_container_spec(ctx, self.settings, self.record.id)

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:  # noqa: ARG002
        """Rebuild; BuildFailed when the source package cannot be made."""
        narrator = Narrator(ctx, self.logs)
        narrator.begin("init")
        with self.initializer.build_container(self.build_spec(ctx, ctx.parameters)) as buildroot:
            ctx.journal.record(Phase.BUILDROOT_READY, task=ctx.task_id, container=buildroot.container)
            origins = read_origins(ctx.session, self.settings)
            self.record.set_list(origins.rows(buildroot.packages))
            self.record.building()
            write_host_logs(self.logs, buildroot.packages)
            narrator.end()
            home = stage_home(ctx.workdir / "stage", self.settings, self.srpm)
            manager.copy_to(buildroot.container, home, "/", owner=BUILD_IDS)
            unpacked = f"{TOPDIR}/srpm_unpacked"
            arguments = ("rebuild", "noarch", f"{TOPDIR}/originals/{self.srpm.name}", unpacked)
            status = run_script(ctx, manager, buildroot.container, self.settings, narrator, *arguments)
            if status != BUILT:
                raise BuildFailed(
                    f"error building srpm, build exited with status 1; see {narrator.log_of_failure} for more "
                    f"information",
                    hint=narrator.result,
                )
            directory = ctx.workdir / "result"
            directory.mkdir()
            self.result = manager.copy_from(buildroot.container, f"{unpacked}/SRPMS", directory)
        return BUILT
