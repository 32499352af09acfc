"""buildArch: what the task asks of the hub (kojid-facts 4.1, 4.6, hub-calls 6)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant.handlers.buildroot_task import BuildrootTask, Workplace
from koji_adjutant.handlers.built_files import one_srpm, sorted_by_kind, write_noarch_hashes
from koji_adjutant.journal import Phase
from koji_adjutant.task_adapters.buildarch import BuildArchAdapter

INSTALL_GROUP = "build"
WEIGHT = 1.5
SECONDS_PER_WEIGHT = 4800
MOST_EXTRA_WEIGHT = 18


class BuildArchTask(BuildrootTask):
    """Build a source package for one architecture."""

    Methods = ["buildArch"]  # noqa: RUF012 - the library's class attribute
    _taskWeight = WEIGHT  # noqa: N815 - the library's name

    def handler(  # type: ignore[override]
        self,
        pkg: str,
        root: int,
        arch: str,
        keep_srpm: bool,
        opts: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The hub's result: rpms, srpms and logs relative to its work directory, and the buildroot's id."""
        repo = self.repo(opts)
        srpm = self.source_package(pkg)
        fields: Any = koji.get_header_fields(str(srpm), ["name", "requirenevrs"])
        self.adjust_weight(fields["name"])
        build_config = self.session.getBuildConfig(cast("Any", root), event=repo["create_event"])
        root_arch = self.concrete_arch(arch, build_config)
        with self.buildroot(repo, build_config, root_arch, INSTALL_GROUP) as place:
            adapter = BuildArchAdapter(
                settings=place.settings,
                srpm=srpm,
                target=arch,
                record=place.record,
                initializer=place.initializer,
                logs=place.logs,
                expected=tuple(fields["requirenevrs"]),
            )
            adapter.run(place.ctx, place.manager, place.logs.sink("build.log"))
            return self.upload(place, adapter.result, keep_srpm=keep_srpm)

    def adjust_weight(self, name: str) -> None:
        """Weigh the task by how long this package has taken to build."""
        average = self.session.getAverageBuildDuration(name, age=6)
        if average is not None:
            weight = WEIGHT + min(MOST_EXTRA_WEIGHT, average / SECONDS_PER_WEIGHT)
            self.session.host.setTaskWeight(self.id, weight)

    def upload(self, place: Workplace, paths: tuple[Path, ...], *, keep_srpm: bool) -> dict[str, Any]:
        """Built files and logs to the hub; the task's result."""
        files = sorted_by_kind(paths)
        for path in files.unexpected:
            self.logger.warning("task %d: unexpected file in the results: %s", self.id, path.name)
        hashes = write_noarch_hashes(files.rpms, self.id, place.ctx.workdir)
        srpms = (one_srpm(files, self.id),) if keep_srpm else ()
        for path in (*((hashes,) if hashes else ()), *files.rpms, *srpms):
            self.uploadFile(str(path))
        place.ctx.journal.record(Phase.UPLOADED, task=self.id, files=len(files.rpms) + len(srpms))
        place.logs.finish()
        directory = self.getUploadDir()
        logs = [*place.logs.names, *((hashes.name,) if hashes else ())]
        return {
            "rpms": [f"{directory}/{path.name}" for path in files.rpms],
            "srpms": [f"{directory}/{path.name}" for path in srpms],
            "logs": [f"{directory}/{name}" for name in logs],
            "brootid": place.record.id,
        }
