"""rebuildSRPM: the source package that the build root itself makes of an uploaded one (kojid-facts 4.9).

It runs as the build user like any other package code: rpmbuild -bs expands the spec's macros, and those are the
package's. The hub gets the base set only, as from kojid.
"""

from dataclasses import dataclass

from koji_adjutant.buildroot.settings import SCRATCH, TOPDIR
from koji_adjutant.container.interface import ContainerManager, LogSink
from koji_adjutant.errors import BuildFailed, TaskTimeout
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import BuildrootAdapter
from koji_adjutant.task_adapters.rpmbuild import (
    BUILT,
    STATUS_TIMEOUT,
    run_script,
    take_packages,
    write_host_logs,
)


@dataclass(kw_only=True)
class RebuildSRPMAdapter(BuildrootAdapter):
    """One rebuildSRPM task. `result` is the list of source packages that were made, on disk."""

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:  # noqa: ARG002
        """Rebuild; BuildFailed when the source package cannot be made."""
        with self.prepared(ctx, manager) as prepared:
            container, narrator = prepared.buildroot.container, prepared.narrator
            write_host_logs(self.logs, prepared.buildroot.packages)
            unpacked = f"{SCRATCH}/srpm_unpacked"
            arguments = ("rebuild", "noarch", f"{TOPDIR}/originals/{self.srpm.name}", unpacked)
            try:
                status = run_script(ctx, manager, container, self.settings, narrator, *arguments)
            except TaskTimeout as error:
                hint = f"rpmbuild_timeout on the builder is {ctx.config.rpmbuild_timeout} seconds"
                raise TaskTimeout(_message(STATUS_TIMEOUT, "build.log"), hint=hint) from error
            if status != BUILT:
                raise BuildFailed(_message(narrator.status, narrator.log_of_failure), hint=narrator.result)
            directory = ctx.workdir / "result"
            directory.mkdir()
            failed = _message(status, "build.log")
            self.result = take_packages(manager, container, f"{unpacked}/SRPMS", directory, failed=failed)
        return BUILT


def _message(status: int, log: str) -> str:
    return f"error building srpm, build exited with status {status}; see {log} for more information"
