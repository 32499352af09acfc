"""rebuildSRPM: what the task asks of the hub (kojid-facts 4.9, hub-calls 6)."""

from collections.abc import Mapping
from typing import Any

import koji

from koji_adjutant.handlers.buildroot_task import BuildrootTask
from koji_adjutant.handlers.built_files import check_srpm_name
from koji_adjutant.journal import Phase
from koji_adjutant.task_adapters.rebuild_srpm import RebuildSRPMAdapter

INSTALL_GROUP = "srpm-build"


class RebuildSRPMTask(BuildrootTask):
    """Make the source package that the build root makes of an uploaded one."""

    Methods = ["rebuildSRPM"]  # noqa: RUF012 - the library's class attribute
    _taskWeight = 1.0  # noqa: N815 - the library's name

    def handler(  # type: ignore[override]
        self, srpm: str, build_tag: int | str, opts: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The hub's result: the source package and logs, the buildroot's id, and what the source was."""
        repo = self.repo(opts)
        event = repo["create_event"]
        hub: Any = self.session
        tag = hub.getTag(build_tag, strict=True, event=event)
        build_config = hub.getBuildConfig(tag["id"], event=event)
        arch = self.concrete_arch("noarch", build_config)
        with self.buildroot(repo, build_config, arch, INSTALL_GROUP) as place:
            adapter = RebuildSRPMAdapter(
                settings=place.settings,
                srpm=self.source_package(srpm),
                record=place.record,
                initializer=place.initializer,
                logs=place.logs,
            )
            adapter.run(place.ctx, place.manager, place.logs.sink("build.log"))
            if len(adapter.result) != 1:
                raise koji.BuildError(
                    f"{len(adapter.result)} srpm files found for task {self.id}, there must be one"
                )
            made = adapter.result[0]
            check_srpm_name(made)
            self.uploadFile(str(made))
            place.ctx.journal.record(Phase.UPLOADED, task=self.id, files=1)
            place.logs.finish()
            directory = self.getUploadDir()
            return {
                "srpm": f"{directory}/{made.name}",
                "logs": [f"{directory}/{name}" for name in place.logs.names],
                "brootid": place.record.id,
                "source": {"source": made.name, "url": made.name},
            }
