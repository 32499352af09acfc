"""The `createrepo` task: the metadata of one architecture of a repo, uploaded for newRepo to publish.

Logs and metadata go to the hub while the task is open; on this host nothing of them outlives the task.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import koji

from koji_adjutant.container.interface import ContainerManager
from koji_adjutant.errors import TaskFailed
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.new_repo import Uploaded, require_repos
from koji_adjutant.hub_files import through_outages
from koji_adjutant.journal import Phase
from koji_adjutant.policy.cache import TagPolicyCache, policy_extra
from koji_adjutant.policy.limits import task_limits
from koji_adjutant.policy.resolver import PolicyResolver
from koji_adjutant.task_adapters import createrepo, mergerepo
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.createrepo import CreaterepoAdapter
from koji_adjutant.task_adapters.guarded_manager import GuardedManager
from koji_adjutant.task_adapters.limited_manager import LimitedManager
from koji_adjutant.task_adapters.logs import TaskLogs
from koji_adjutant.task_adapters.mergerepo import MergerepoAdapter
from koji_adjutant.task_adapters.recycle import recycle_repodata
from koji_adjutant.task_adapters.repo_plan import RepoPlan, external_urls, merge_mode
from koji_adjutant.task_adapters.topdir import topdir_mounts

EMPTY_REPO = "EMPTY_REPO"


class CreaterepoTask(TaskHandler):
    """See the module."""

    Methods = ["createrepo"]  # noqa: RUF012 - the library declares it
    _taskWeight = 1.5  # noqa: N815 - the library's name

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
        ctx = self.context({"repo_id": repo_id, "arch": arch, "oldrepo": oldrepo})
        with TaskLogs(ctx, on_lost=self.kill_containers) as logs:
            self._make(ctx, plan, info, logs)
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
        # It may belong to another tag.
        place = replace(plan, repo_id=old["id"], tag_name=old["tag_name"])
        return recycle_repodata(place.repodir / "repodata", plan.datadir)

    def _make(self, ctx: TaskContext, plan: RepoPlan, info: Mapping[str, Any], logs: TaskLogs) -> None:
        tag_id, event = info["tag_id"], info["create_event"]
        cache = TagPolicyCache(ctx.config.cache_dir, hub=ctx.config.server, ttl=ctx.config.policy_cache_ttl)
        known = cache.find(tag_id, event)
        extra = self._tag_extra(tag_id, event) if known is None else known
        choice = PolicyResolver(ctx.config).image_for(
            tag_name=plan.tag_name, tag_extra=extra, arch=plan.arch, method=self.method
        )
        limits = task_limits(ctx.config, method=self.method, tag_name=plan.tag_name, tag_extra=extra)
        image = self.services.manager.ensure_image_available(choice.reference, ctx.config.image_pull_policy)
        ctx.journal.record(Phase.IMAGE_READY, task=self.id, image=choice.reference)
        if known is None:
            # Not before it was of use: what has to be corrected is asked for again.
            cache.keep(tag_id, event, extra)
        guarded = GuardedManager(self.services.manager, ctx.config)
        limited = LimitedManager(guarded.manager, limits, task_image=image.id)
        with guarded.told(), limited.explained():
            self._run_tools(ctx, limited.manager, plan, info, logs=logs, image=image.id)

    def _tag_extra(self, tag_id: int, event: int) -> Mapping[str, Any]:
        """What policy needs to know of a tag, from the hub."""
        hub: Any = self.session
        return policy_extra((hub.getBuildConfig(tag_id, event=event) or {}).get("extra") or {})

    def _run_tools(
        self,
        ctx: TaskContext,
        manager: ContainerManager,
        plan: RepoPlan,
        info: Mapping[str, Any],
        *,
        logs: TaskLogs,
        image: str,
    ) -> None:
        local = CreaterepoAdapter(plan=plan, image=image, topdir=topdir_mounts(ctx.config))
        local.run(ctx, manager, logs.sink(createrepo.LOG))
        logs.finish()
        externals: Any = self.session.getExternalRepoList(info["tag_id"], event=info["create_event"])
        if externals:
            merge = MergerepoAdapter(
                plan=plan,
                image=image,
                mode=merge_mode(externals),
                urls=external_urls(externals, plan.arch),
                version=local.version,
            )
            # They may be files of the hub, or of a server that is away for as short a time.
            through_outages(self.wait_for_hub, lambda: merge.run(ctx, manager, logs.sink(mergerepo.LOG)))
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
