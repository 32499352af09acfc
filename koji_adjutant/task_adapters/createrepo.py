"""createrepo: the metadata of one architecture of a repo, made by createrepo_c in a tool container.

The container sees the hub's volume and this task's work directory, and has no network. What it leaves is looked at
before anybody may use it: every file that repomd.xml names, and as many packages as the hub asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koji.tasks import RefuseTask

from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink, VolumeMount
from koji_adjutant.errors import TaskFailed
from koji_adjutant.policy.containers import NetworkUse, network_for
from koji_adjutant.task_adapters.base import BaseTaskAdapter, TaskContext
from koji_adjutant.task_adapters.repodata.repo_plan import (
    VERSION,
    RepoPlan,
    Version,
    createrepo_argv,
    parse_version,
)
from koji_adjutant.task_adapters.repodata.verify import package_count, pkglist_count, verify_repodata
from koji_adjutant.task_adapters.tool import DENIED, run_tool, tool_spec, writable_directory

LOG = "createrepo.log"
FAILED = "failed to create repo: "


@dataclass(kw_only=True)
class CreaterepoAdapter(BaseTaskAdapter):
    """One run of createrepo_c. `result` are the names of the files in `plan.datadir`."""

    plan: RepoPlan
    image: str
    topdir: tuple[VolumeMount, ...]
    version: Version = ()
    """Of the tools, once they have run."""

    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:  # noqa: ARG002
        """createrepo_c is the container's only process."""
        return tool_spec(
            ctx,
            image=self.image,
            command=createrepo_argv(self.plan),
            build_tag=self.plan.tag_name,
            arch=self.plan.arch,
            mounts=self.topdir,
            network=network_for(NetworkUse.REPODATA, ctx.config),
            environment={},
        )

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:
        """Make the metadata; RefuseTask when this host may not read them, TaskFailed when they are not whole."""
        writable_directory(self.plan.outdir)
        spec = self.build_spec(ctx, ctx.parameters)
        code, watch = run_tool(ctx, manager, spec, sink, DENIED, VERSION)
        if code and watch.line(DENIED):
            raise RefuseTask(f"a package cannot be read on this host: {watch.line(DENIED)}")
        if code:
            raise TaskFailed(f"{FAILED}{spec.command[0]} exited with status {code}; see {LOG}")
        self.version = parse_version(watch.line(VERSION))
        self._check()
        self.result = sorted(path.name for path in self.plan.datadir.iterdir())
        return code

    def _check(self) -> None:
        try:
            made = package_count(verify_repodata(self.plan.datadir))
        except TaskFailed as fault:
            raise TaskFailed(f"{FAILED}{fault}; see {LOG}") from fault
        wanted = pkglist_count(self.plan.pkglist) if self.plan.has_packages else 0
        if made != wanted:
            raise TaskFailed(
                f"{FAILED}it has {made} packages, {self.plan.pkglist} asks for {wanted}; see {LOG}",
                hint="is every volume of the topdir mounted on this builder?",
            )
