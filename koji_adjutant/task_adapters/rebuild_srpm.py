"""rebuildSRPM: the source package that the build root itself makes of an uploaded one (kojid-facts 4.9).

It runs as the build user like any other package code: rpmbuild -bs expands the spec's macros, and those are the
package's. The hub gets the base set only, as from kojid.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from koji_adjutant.buildroot.settings import SCRATCH
from koji_adjutant.container.interface import ContainerManager, LogSink
from koji_adjutant.errors import BuildFailed, TaskTimeout
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import BuildrootAdapter, Prepared
from koji_adjutant.task_adapters.results import take_packages, write_host_logs
from koji_adjutant.task_adapters.rpmbuild import BUILT, ORIGINALS, STATUS_TIMEOUT, Scripts, stage_source

UNPACKED = f"{SCRATCH}/srpm_unpacked"


@dataclass(kw_only=True)
class RebuildSRPMAdapter(BuildrootAdapter):
    """One rebuildSRPM task. `result` is the list of source packages that were made, on disk."""

    srpm: Path

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:  # noqa: ARG002
        """Rebuild; BuildFailed when the source package cannot be made."""
        with self.prepared(ctx, manager, partial(stage_source, self.srpm)) as prepared:
            write_host_logs(self.place.logs, prepared.buildroot.packages)
            status, narrator = self._rebuild(ctx, manager, prepared), prepared.narrator
            if status != BUILT:
                raise BuildFailed(_message(narrator.status, narrator.log_of_failure), hint=narrator.result)
            directory = ctx.workdir / "result"
            directory.mkdir()
            container, failed = prepared.buildroot.container, _message(status, "build.log")
            self.result = take_packages(manager, container, f"{UNPACKED}/SRPMS", directory, failed=failed)
        return BUILT

    def _rebuild(self, ctx: TaskContext, manager: ContainerManager, prepared: Prepared) -> int:
        settings, narrator = self.place.settings, prepared.narrator
        scripts = Scripts(ctx=ctx, manager=manager, settings=settings, narrator=narrator)
        source = f"{ORIGINALS}/{self.srpm.name}"
        try:
            return scripts.run(prepared.buildroot.container, "rebuild", "noarch", source, UNPACKED)
        except TaskTimeout as error:
            hint = f"rpmbuild_timeout on the builder is {ctx.config.rpmbuild_timeout} seconds"
            raise TaskTimeout(_message(STATUS_TIMEOUT, "build.log"), hint=hint) from error


def _message(status: int, log: str) -> str:
    return f"error building srpm, build exited with status {status}; see {log} for more information"
