"""buildArch: what the task asks of the hub (kojid-facts 4.1, 4.6, hub-calls 6)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import koji
import koji.tasks

from koji_adjutant.handlers.buildroot_task import BuildrootTask
from koji_adjutant.journal.phases import Phase
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildarch import BuildArchAdapter
from koji_adjutant.task_adapters.buildroot_adapter import Workplace
from koji_adjutant.task_adapters.results import one_srpm, sorted_by_kind, write_noarch_hashes

SECONDS_PER_WEIGHT = 4800
MOST_EXTRA_WEIGHT = 18


class BuildArchTask(BuildrootTask):
    """Build a source package for one architecture."""

    def handler(  # type: ignore[override]
        self,
        pkg: str,
        root: int,
        arch: str,
        keep_srpm: bool,
        opts: Mapping[str, Any] | None = None,  # noqa: ARG002 - the repo is found in it
    ) -> dict[str, Any]:
        """The hub's result: rpms, srpms and logs relative to its work directory, and the buildroot's id."""
        repo = self.repo()
        srpm = self.source_package(pkg)
        fields: Any = koji.get_header_fields(str(srpm), ["name", "requirenevrs"])
        self.adjust_weight(fields["name"])
        build_config = self.session.getBuildConfig(cast("Any", root), event=repo["create_event"])
        root_arch = self.concrete_arch(arch, build_config)
        with self.buildroot(repo, build_config, root_arch, self.row.install_group) as place:
            adapter = BuildArchAdapter(
                place=place, srpm=srpm, target=arch, expected=tuple(fields["requirenevrs"])
            )
            adapter.run(place.ctx, place.manager, place.logs.sink("build.log"))
            request_image_for_scratch(place)
            return self.upload(place, adapter.result, keep_srpm=keep_srpm)

    def adjust_weight(self, name: str) -> None:
        """Weigh the task by how long this package has taken to build."""
        average = self.session.getAverageBuildDuration(name, age=6)
        if average is not None:
            weight = self.row.weight + min(MOST_EXTRA_WEIGHT, average / SECONDS_PER_WEIGHT)
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
        evidence = self.upload_evidence(place)
        place.logs.finish()
        directory = self.getUploadDir()
        logs = [*place.logs.names, *((hashes.name,) if hashes else ()), *evidence]
        return {
            "rpms": [f"{directory}/{path.name}" for path in files.rpms],
            "srpms": [f"{directory}/{path.name}" for path in srpms],
            "logs": [f"{directory}/{name}" for name in logs],
            "brootid": place.buildroot_id,
        }


def request_image_for_scratch(place: Workplace) -> None:
    """Have an image made of the BuildRequires of a scratch build: who tries a package builds it again soon."""
    if place.initializer.has_request and is_scratch(place.ctx):
        place.initializer.request_image()


def is_scratch(ctx: TaskContext) -> bool:
    """Whether the task belongs to a scratch build: only the request of its parent says so."""
    hub: Any = ctx.session
    try:
        parent = (hub.getTaskInfo(ctx.task_id) or {}).get("parent")
        info = hub.getTaskInfo(parent, request=True) if parent else None
    except koji.GenericError:
        # Only an image depends on the answer; whether the task is still ours, the next call says.
        return False
    if not info or info["method"] != "build":
        return False
    parameters: Any = cast("Any", koji.tasks.parse_task_params)("build", info["request"])
    return bool((parameters.get("opts") or {}).get("scratch"))
