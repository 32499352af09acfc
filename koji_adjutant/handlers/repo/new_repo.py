"""The `newRepo` task: the hub lays out a repo, createrepo subtasks make its metadata, the hub takes it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import koji
from koji.tasks import RefuseTask

from koji_adjutant.errors import TaskFailed
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.repo.old_repo import find_old_repo
from koji_adjutant.handlers.repo.repo_clone import copy_repodata, same_options, same_packages
from koji_adjutant.hub.outage import do_once, look_first
from koji_adjutant.journal.phases import Phase
from koji_adjutant.task_adapters.repodata.repo_plan import repo_directory

logger = logging.getLogger("koji.adjutant.handlers.repo")

Uploaded = list[Any]
"""[upload path, [file names]]: what the hub takes for the metadata of an architecture."""


def combined_options(opts: dict[str, Any] | None, legacy: Mapping[str, bool | None]) -> dict[str, Any] | None:
    """The options of a repo, also from the positional arguments of old hubs."""
    given = {name: bool(value) for name, value in legacy.items() if value is not None}
    if not given:
        return opts
    if opts is not None:
        raise koji.ParameterError("opts parameter cannot be combined with legacy options")
    logger.warning("newRepo with %s is deprecated: use opts", ", ".join(given))
    return given


def arches_of(repo: Path) -> tuple[str, ...]:
    """The architectures that the hub laid out."""
    return tuple(sorted(path.parent.name for path in repo.glob("*/pkglist") if path.parent.name != "groups"))


class NewRepoTask(TaskHandler):
    """Make a repo of a tag."""

    def handler(  # type: ignore[override]  # noqa: PLR0917 - the task's signature
        self,
        tag: Any,
        event: Any = None,
        src: bool | None = None,
        debuginfo: bool | None = None,
        separate_src: bool | None = None,
        opts: dict[str, Any] | None = None,
    ) -> tuple[int, int]:
        """A repo of `tag`: its id and event."""
        info = cast("Mapping[str, Any]", self.session.getTag(tag, strict=True, event=event))
        legacy = {"src": src, "debuginfo": debuginfo, "separate_src": separate_src}
        opts = combined_options(opts, legacy)
        require_repos(self.options.topdir)
        wanted = {} if event is None else {"event": event}
        repo_id, event_id = look_first(
            "repoInit",
            lambda: self.session.host.repoInit(info["id"], opts=opts, task_id=self.id, **wanted),
            lambda: self._begun(info["id"]),
        )
        path = self._path(repo_id, info["name"])
        if not path.is_dir():
            raise TaskFailed(
                f"Repo directory missing: {path}", hint="the hub made it: is topdir this hub's volume?"
            )
        old = find_old_repo(self.session, info) if self.options.createrepo_update else None
        cloned = self._clone(path, old, {"tag_id": info["id"], "create_event": event_id})
        data = {
            **cloned,
            **self._create(repo_id, [arch for arch in arches_of(path) if arch not in cloned], old),
        }
        updates = {"cloned_from_repo_id": old["id"], "cloned_archs": list(cloned)} if old and cloned else None
        more = {"repo_json_updates": updates} if updates else {}
        do_once(
            "repoDone",
            lambda: self.session.host.repoDone(repo_id, data, **more),
            lambda: self._state(repo_id) != koji.REPO_INIT,
        )
        self.services.journal.record(Phase.REPO_READY, task=self.id, repo=repo_id, tag=info["name"])
        return repo_id, event_id

    def _begun(self, tag_id: int) -> tuple[int, int] | None:
        """The repo that a call has made for this task, whose answer did not arrive."""
        hub: Any = self.session
        newest = hub.getRepo(tag_id, state=koji.REPO_INIT)
        found = newest and hub.repoInfo(newest["id"], strict=True)
        return (found["id"], found["create_event"]) if found and found.get("task_id") == self.id else None

    def _state(self, repo_id: int) -> int:
        return int(cast("Any", self.session).repoInfo(repo_id, strict=True)["state"])

    def _path(self, repo_id: int, tag_name: str) -> Path:
        return repo_directory(self.options.topdir, repo_id, tag_name)

    def _clone(
        self, path: Path, old: Mapping[str, Any] | None, new: Mapping[str, Any]
    ) -> dict[str, Uploaded]:
        if not (self.options.copy_old_repodata and old):
            return {}
        source = self._path(old["id"], self._tag_name(old))
        if not same_options(source, path) or self._has_external_repos(old) or self._has_external_repos(new):
            return {}
        return {
            arch: files
            for arch in arches_of(path)
            if same_packages(source, path, arch) and (files := self._upload_copy(source, arch))
        }

    def _tag_name(self, repo: Mapping[str, Any]) -> str:
        known = repo.get("tag_name")
        return str(known or cast("Any", self.session.getTag(repo["tag_id"], strict=True))["name"])

    def _has_external_repos(self, repo: Mapping[str, Any]) -> bool:
        return bool(self.session.getExternalRepoList(repo["tag_id"], event=repo["create_event"]))

    def _upload_copy(self, source: Path, arch: str) -> Uploaded:
        uploadpath = self.getUploadDir()
        files = copy_repodata(source, arch, Path(self.workdir) / arch / "repodata")
        for file in files:
            self.session.uploadWrapper(str(file), uploadpath, file.name)
        return [uploadpath, [file.name for file in files]] if files else []

    def _create(self, repo_id: int, arches: list[str], old: Mapping[str, Any] | None) -> dict[str, Uploaded]:
        subtasks = {
            arch: self.session.host.subtask(
                method="createrepo",
                arglist=[repo_id, arch, old],
                label=arch,
                parent=self.id,
                arch="noarch",
            )
            for arch in arches
        }
        if not subtasks:
            return {}
        results = self.wait(list(subtasks.values()), all=True, failany=True)
        return {arch: results[subtask] for arch, subtask in subtasks.items()}


def require_repos(topdir: str) -> None:
    """Hand the task to another host when this one does not see the hub's volume."""
    repos = Path(topdir) / "repos"
    if not repos.is_dir():
        raise RefuseTask(f"No access to repos dir {repos}")
