"""The `build` task: from a source package to a tagged build, by subtasks.

It does no work of its own: it asks the hub's policies, waits for a repo, and hands out rebuildSRPM (or
buildSRPMFromSCM), a buildArch for each architecture, and tagBuild. The hub's record of a build that was begun
is always ended, by completeBuild or failBuild; only a task that is taken away leaves it, for its next run.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import koji
from koji.daemon import SCM
from koji.tasks import ServerExit

from koji_adjutant import names
from koji_adjutant.errors import BuildFailed, TaskCanceled, TaskFailed
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.handlers.build import build_plan
from koji_adjutant.handlers.build.build_arches import NOARCH, build_arches, task_arch
from koji_adjutant.handlers.build.build_plan import BuiltFiles, Destination, Id, Options
from koji_adjutant.handlers.source_header import SourceHeader, fetch_source_header
from koji_adjutant.hub.files import is_there
from koji_adjutant.hub.outage import do_once, look_first

BUILDING = koji.BUILD_STATES["BUILDING"]
COMPLETE = koji.BUILD_STATES["COMPLETE"]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What all packages of a build are built on."""

    build_tag: Id
    repo_id: Id
    event: Id


@dataclass(frozen=True, kw_only=True)
class Source:
    """The source package, a path below the hub's work directory, and where it came from."""

    srpm: str
    origin: Mapping[str, Any] | None = None


class BuildTask(TaskHandler):
    """Build a source package for all architectures, and enter it at the hub."""

    def handler(  # type: ignore[override]
        self, src: str, target: str | None, opts: Options | None = None
    ) -> None:
        """Build `src` for `target`."""
        opts = opts or {}
        build_plan.check_arch_override(opts)
        if not isinstance(src, str):
            raise BuildFailed(f"Invalid source specification: {src}")
        repo = self._given_repo(opts)
        build_plan.check_metadata(opts)
        event = repo["create_event"] if repo else None
        owner = self.session.getTaskInfo(cast("Any", self.id))["owner"]
        destination = self._destination(target, repo, event, opts)
        self._assert_policies(src, owner, destination, opts)
        ground = self._ground(destination.build_tag, repo, opts)
        source = self._source(src, ground, opts)
        header = fetch_source_header(
            source.srpm, topurl=self.options.topurl, tempdir=Path(self.workdir), hub=self.wait_for_hub
        )
        arches = self._arches(header, destination, ground, opts)
        if opts.get("scratch"):
            files = self._build(source.srpm, header, arches, ground, opts)
            self._move_to_scratch(files, owner)
            return
        data = build_plan.build_data(self.id, header, source.origin, opts)
        build_id, is_complete = self._begin(data, header)
        if not is_complete:
            with self._failing(build_id):
                files = self._build(source.srpm, header, arches, ground, opts)
                self._complete(build_id, files)
        if not destination.skip_tag:
            self._tag(build_id, destination.dest_tag)

    def _given_repo(self, opts: Options) -> Mapping[str, Any] | None:
        repo_id = opts.get("repo_id")
        if repo_id is None:
            return None
        return build_plan.check_repo(self.session.repoInfo(repo_id), repo_id)

    def _destination(
        self, target: str | None, repo: Mapping[str, Any] | None, event: Id, opts: Options
    ) -> Destination:
        found = self.session.getBuildTarget(target, event=event) if target else None
        if found:
            return build_plan.destination_of_target(found, repo, opts)
        if repo is None:
            raise TaskFailed(f"unknown build target: {target}")
        if target is None:
            return Destination(
                build_tag=repo["tag_id"],
                dest_tag=repo["tag_id"],
                dest_tag_name=repo["tag_name"],
                target=None,
                skip_tag=True,
            )
        tag = self.session.getTag(target, event=event)
        if not tag:
            raise TaskFailed(f"neither tag nor target: {target}")
        return Destination(
            build_tag=repo["tag_id"],
            dest_tag=tag["id"],
            dest_tag_name=tag["name"],
            target=None,
            skip_tag=bool(opts.get("skip_tag")),
        )

    def _assert_policies(self, src: str, owner: int, destination: Destination, opts: Options) -> None:
        from_scm = SCM.is_scm_url(src)
        data = build_plan.policy_data(
            task_id=self.id, owner=owner, src=src, from_scm=from_scm, destination=destination, opts=opts
        )
        if not from_scm and not opts.get("scratch"):
            self.session.host.assertPolicy("build_from_srpm", data)
        if opts.get("repo_id") is not None:
            self.session.host.assertPolicy("build_from_repo_id", data)
        self.session.host.assertPolicy("build_rpm", data)

    def _ground(self, build_tag: int, repo: Mapping[str, Any] | None, opts: Options) -> Ground:
        if repo:
            return Ground(build_tag=build_tag, repo_id=repo["id"], event=repo["create_event"])
        found = self.getRepo(build_tag, builds=opts.get("wait_builds"), wait=bool(opts.get("wait_repo")))
        event = self.session.getLastEvent()["id"]
        return Ground(build_tag=build_tag, repo_id=found["id"], event=event)

    def _config(self, ground: Ground) -> Mapping[str, Any]:
        config: Mapping[str, Any] = self.session.getBuildConfig(ground.build_tag, event=ground.event)
        return config

    def _source(self, src: str, ground: Ground, opts: Options) -> Source:
        if SCM.is_scm_url(src):
            return self._make_srpm("buildSRPMFromSCM", src, ground, opts)
        names.parts(src, "source package", BuildFailed)
        rebuild = self._config(ground)["extra"].get("rebuild_srpm", True)
        if opts.get("scratch") and opts.get("rebuild_srpm") is not None:
            rebuild = opts["rebuild_srpm"]
        return self._make_srpm("rebuildSRPM", src, ground, opts) if rebuild else Source(srpm=src)

    def _make_srpm(self, method: str, src: str, ground: Ground, opts: Options) -> Source:
        subtask = self.session.host.subtask(
            method=method,
            arglist=[src, ground.build_tag, {"repo_id": ground.repo_id, "scratch": opts.get("scratch")}],
            label="srpm",
            arch=self._task_arch(NOARCH, ground),
            parent=self.id,
        )
        result = self.wait(subtask)[subtask]
        return Source(srpm=result["srpm"], origin=result.get("source"))

    def _task_arch(self, arch: str, ground: Ground, header: SourceHeader | None = None) -> str:
        literal = self.options.literal_task_arches
        return task_arch(arch, lambda: self._config(ground), header=header, literal=literal)

    def _arches(
        self, header: SourceHeader, destination: Destination, ground: Ground, opts: Options
    ) -> tuple[str, ...]:
        package: Mapping[str, Any] | None = self.session.getPackageConfig(
            destination.dest_tag, header.name, event=ground.event
        )
        if not destination.skip_tag and not opts.get("scratch"):
            build_plan.check_package(package, header.name, destination.dest_tag_name)
        extra = (package or {}).get("extra_arches") or ""
        override = opts.get("arch_override") or ""
        return build_arches(self._config(ground), header, extra=extra, override=override)

    @contextmanager
    def _failing(self, build_id: int) -> Iterator[None]:
        try:
            yield
        except (ServerExit, TaskCanceled):
            raise
        except Exception:
            do_once(
                "failBuild",
                lambda: self.session.host.failBuild(self.id, build_id),
                lambda: self._state(build_id) != BUILDING,
            )
            raise

    def _begin(self, data: Mapping[str, Any], header: SourceHeader) -> tuple[int, bool]:
        """The hub's record of the build, and whether an earlier run of this task has completed it."""
        if data.get("draft"):
            # Of a draft the hub would make a second one, and nobody would end the first.
            for state in (BUILDING, COMPLETE):
                earlier = self._recorded(header, state)
                if earlier is not None:
                    return earlier, state == COMPLETE
        try:
            begun = look_first(
                "initBuild",
                lambda: int(self.session.host.initBuild(data)),
                lambda: self._recorded(header, BUILDING),
            )
        except koji.GenericError:
            complete = self._recorded(header, COMPLETE)
            if complete is None:
                raise
            return complete, True
        return begun, False

    def _recorded(self, header: SourceHeader, state: int) -> int | None:
        """The build of this task in that state, if it has one."""
        hub: Any = self.session
        rows = hub.listBuilds(taskID=self.id, state=state)
        wanted = (header.name, header.version)
        return max(
            (row["build_id"] for row in rows if (row["package_name"], row["version"]) == wanted), default=None
        )

    def _state(self, build_id: int) -> int:
        return int(cast("Any", self.session).getBuild(build_id, strict=True)["state"])

    def _complete(self, build_id: int, files: BuiltFiles) -> None:
        do_once(
            "completeBuild",
            lambda: self.session.host.completeBuild(
                self.id, build_id, files.srpm, files.rpms, files.buildroots, logs=files.logs
            ),
            lambda: self._state(build_id) == COMPLETE,
        )

    def _move_to_scratch(self, files: BuiltFiles, owner: int) -> None:
        do_once(
            "moveBuildToScratch",
            lambda: self.session.host.moveBuildToScratch(self.id, files.srpm, files.rpms, logs=files.logs),
            lambda: self._is_in_scratch(files, owner),
        )

    def _is_in_scratch(self, files: BuiltFiles, owner: int) -> bool:
        # Nothing of it is in the hub's records, and a second call would find the files in its way.
        user = cast("Any", self.session).getUser(owner, strict=True)["name"]
        directory = names.url_below(self.options.topurl, f"scratch/{user}/task_{self.id}", "user", TaskFailed)
        moved = [Path(path).name for path in (files.srpm, *files.rpms)]
        logs = [f"logs/{arch}/{Path(path).name}" for arch, paths in files.logs.items() for path in paths]
        urls = [names.url_below(directory, name, "result", TaskFailed) for name in (*moved, *logs)]
        return all(is_there(url, self.wait_for_hub) for url in urls)

    def _build(
        self, srpm: str, header: SourceHeader, arches: tuple[str, ...], ground: Ground, opts: Options
    ) -> BuiltFiles:
        subtasks = {
            arch: self.session.host.subtask(
                method="buildArch",
                arglist=[srpm, ground.build_tag, arch, arch == arches[0], {"repo_id": ground.repo_id}],
                label=arch,
                parent=self.id,
                arch=self._task_arch(arch, ground, header),
            )
            for arch in arches
        }
        failany = bool(opts.get("fail_fast")) or not self.options.build_arch_can_fail
        results = self.wait(list(subtasks.values()), all=True, failany=failany)
        return build_plan.merge_results(self.id, subtasks, results)

    def _tag(self, build_id: int, dest_tag: int) -> None:
        subtask = self.session.host.subtask(
            method="tagBuild",
            arglist=[dest_tag, build_id, False, None, True],
            label="tag",
            parent=self.id,
            arch=NOARCH,
        )
        self.wait(subtask)
