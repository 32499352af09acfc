"""rebuildSRPM: what the task asks of the hub (kojid-facts 4.9, hub-calls 6)."""

from collections.abc import Mapping
from typing import Any

import koji

from koji_adjutant.handlers.buildroot_task import BuildrootTask
from koji_adjutant.task_adapters.rebuild_srpm import RebuildSRPMAdapter


class RebuildSRPMTask(BuildrootTask):
    """Make the source package that the build root makes of an uploaded one."""

    def handler(  # type: ignore[override]
        self,
        srpm: str,
        build_tag: int | str,
        opts: Mapping[str, Any] | None = None,  # noqa: ARG002 - the repo is found in it
    ) -> dict[str, Any]:
        """The hub's result: the source package and logs, the buildroot's id, and what the source was."""
        repo = self.repo()
        event = repo["create_event"]
        hub: Any = self.session
        tag = hub.getTag(build_tag, strict=True, event=event)
        build_config = hub.getBuildConfig(tag["id"], event=event)
        arch = self.concrete_arch("noarch", build_config)
        with self.buildroot(repo, build_config, arch, self.row.install_group) as place:
            adapter = RebuildSRPMAdapter(place=place, srpm=self.source_package(srpm))
            adapter.run(place.ctx, place.manager, place.logs.sink("build.log"))
            if len(adapter.result) != 1:
                raise koji.BuildError(
                    f"{len(adapter.result)} srpm files found for task {self.id}, there must be one"
                )
            made = adapter.result[0]
            return self.upload_srpm(place, made, {"source": made.name, "url": made.name})
