"""The `createrepo` task: the metadata of one architecture of a repo, uploaded for newRepo to publish.

Logs and metadata go to the hub while the task is open; on this host nothing of them outlives the task.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant.errors import TaskFailed
from koji_adjutant.handlers.repo.new_repo import Uploaded, require_repos
from koji_adjutant.handlers.tool_task import Toolbox, ToolTag, ToolTask
from koji_adjutant.hub.files import through_outages
from koji_adjutant.journal.phases import Phase
from koji_adjutant.task_adapters import createrepo
from koji_adjutant.task_adapters.createrepo import CreaterepoAdapter
from koji_adjutant.task_adapters.repodata import mergerepo
from koji_adjutant.task_adapters.repodata.mergerepo import MergerepoAdapter
from koji_adjutant.task_adapters.repodata.recycle import recycle_repodata
from koji_adjutant.task_adapters.repodata.repo_plan import RepoPlan, external_urls, merge_mode

EMPTY_REPO = "EMPTY_REPO"


class CreaterepoTask(ToolTask):
    """Make the metadata of one architecture of a repo."""

    def handler(  # type: ignore[override]
        self, repo_id: int, arch: str, oldrepo: Mapping[str, Any] | None
    ) -> Uploaded:
        """The upload path and the names of the files there."""
        info = cast("Mapping[str, Any]", self.session.repoInfo(cast("Any", repo_id), strict=True))
        if info["state"] != koji.REPO_INIT:
            raise TaskFailed(f"Repo {info['id']} not in INIT state (got {info['state']})")
        plan = self._plan(info, arch)
        if plan.has_packages and oldrepo and self.options.createrepo_update:
            plan = replace(plan, recycled=self._recycle(plan, oldrepo))
        parameters = {"repo_id": repo_id, "arch": arch, "oldrepo": oldrepo}
        policy_tag = ToolTag(id=info["tag_id"], name=plan.tag_name, event=info["create_event"])
        with self.tools(parameters, policy_tag, plan.arch) as tools:
            self._make(tools, plan, policy_tag)
        tag = cast("Any", self.session).getTag(info["tag_id"], event=info["create_event"], strict=True)
        self.run_callbacks(
            cast("Any", "postCreateRepo"),
            tag=tag["name"],
            repodir=str(plan.outdir),
            repo_id=info["id"],
            arch=arch,
        )
        return self._upload(plan.datadir)

    def _plan(self, info: Mapping[str, Any], arch: str) -> RepoPlan:
        plan = RepoPlan(
            repo_id=info["id"],
            tag_name=info["tag_name"],
            arch=arch,
            topdir=self.options.topdir,
            workdir=Path(self.workdir),
            skip_stat=self.options.createrepo_skip_stat,
        )
        if not plan.repodir.is_dir():
            require_repos(self.options.topdir)
            raise TaskFailed(
                f"Repo directory missing: {plan.repodir}", hint="the hub makes it with the repo: see there"
            )
        return replace(plan, has_packages=plan.pkglist.stat().st_size > 0, has_comps=plan.comps.is_file())

    def _recycle(self, plan: RepoPlan, oldrepo: Mapping[str, Any]) -> bool:
        old: Any = self.session.repoInfo(oldrepo["id"], strict=True)
        # The old repo may belong to another tag.
        place = replace(plan, repo_id=old["id"], tag_name=old["tag_name"])
        return recycle_repodata(place.repodir / "repodata", plan.datadir)

    def _make(self, tools: Toolbox, plan: RepoPlan, tag: ToolTag) -> None:
        ctx, image = tools.ctx, tools.image
        local = CreaterepoAdapter(plan=plan, image=image, topdir=tools.topdir)
        local.run(ctx, tools.manager, tools.logs.sink(createrepo.LOG))
        tools.logs.finish()
        externals = cast("Any", self.session).getExternalRepoList(tag.id, event=tag.event)
        if externals:
            merge = MergerepoAdapter(
                plan=plan,
                image=image,
                mode=merge_mode(externals),
                urls=external_urls(externals, plan.arch),
                version=local.version,
            )
            # They may be files of the hub, or of a server that is away for as short a time.
            through_outages(
                self.wait_for_hub,
                lambda: merge.run(ctx, tools.manager, tools.logs.sink(mergerepo.LOG)),
            )
        elif not plan.has_packages:
            text = "This repo is empty: its tag has nothing for this architecture\n"
            (plan.datadir / EMPTY_REPO).write_text(text)

    def _upload(self, datadir: Path) -> Uploaded:
        uploadpath = self.getUploadDir()
        files = sorted(path.name for path in datadir.iterdir())
        for name in files:
            self.session.uploadWrapper(str(datadir / name), uploadpath, name)
        self.services.journal.record(Phase.UPLOADED, task=self.id, files=len(files))
        return [uploadpath, files]
