"""What the tasks with a buildroot share: their repo, source package, buildroot record, images and logs.

`BuildrootTask.buildroot` is the context in which such a task works: it opens the hub's record and the logs, and
leaves an expired record and uploaded logs behind, whatever happened.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import koji
import requests

from koji_adjutant import hub_files
from koji_adjutant.buildroot.contained import ContainedManager, Containment
from koji_adjutant.buildroot.containment import task_containment
from koji_adjutant.buildroot.downloads import open_session
from koji_adjutant.buildroot.held import TaskContainers
from koji_adjutant.buildroot.images import EMPTY_IMAGE
from koji_adjutant.buildroot.initializer import BuildrootInitializer
from koji_adjutant.buildroot.machines import can_run
from koji_adjutant.buildroot.package_store import PackageStore
from koji_adjutant.buildroot.record import BuildrootRecord
from koji_adjutant.buildroot.repo_metadata import RepoMetadata, read_metadata
from koji_adjutant.buildroot.settings import BuildrootSettings, buildroot_settings
from koji_adjutant.buildroot.solver import Solver
from koji_adjutant.container.interface import ContainerManager, VolumeMount
from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.journal import Phase
from koji_adjutant.policy.limits import TaskLimits, task_limits
from koji_adjutant.policy.network import network_of_package_code
from koji_adjutant.policy.privileges import build_privileges
from koji_adjutant.policy.resolver import PolicyResolver
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.guarded_manager import GuardedManager
from koji_adjutant.task_adapters.limited_manager import LimitedManager
from koji_adjutant.task_adapters.logs import TaskLogs

CONFIG_LOG = "mock_config.log"


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What a task with a buildroot works with, inside its context."""

    ctx: TaskContext
    settings: BuildrootSettings
    record: BuildrootRecord
    manager: ContainerManager
    """The engine, with the limits of this task."""
    initializer: BuildrootInitializer
    logs: TaskLogs


class BuildrootTask(TaskHandler):
    """A handler whose work needs a buildroot."""

    def checkHost(self, hostdata: Mapping[str, Any]) -> bool:  # noqa: N802 - the library's name
        """Whether this host has an arch of the build tag, and can run what is built for the task's."""
        try:
            tag = self.session.getBuildConfig(self.params[1])
        except (requests.RequestException, koji.ServerOffline, koji.AuthError) as error:
            # Not known, and no reason to refuse the task for good: if the hub is away, it is not opened either.
            self.logger.warning("task %s: its tag is not known: %s", self.id, error)
            return True
        host_arches = {koji.canonArch(arch) for arch in (hostdata["arches"] or "").split()}
        tag_arches = {koji.canonArch(arch) for arch in (tag["arches"] or "").split()}
        if not host_arches & tag_arches:
            self.logger.info(
                "task %s: this host has %s, tag %s has %s", self.id, host_arches, tag["name"], tag_arches
            )
            return False
        if not can_run(self.task_arch):
            self.logger.warning("task %s is for %s, which this machine cannot run", self.id, self.task_arch)
            return False
        return True

    @property
    def task_arch(self) -> str:
        """The arch that the task names; noarch for one that names none."""
        return str(self.params[2]) if self.method == "buildArch" else "noarch"

    def repo(self, opts: Mapping[str, Any] | None) -> dict[str, Any]:
        """repoInfo of the repo that the task names."""
        repo_id = (opts or {}).get("repo_id")
        if not repo_id:
            raise koji.BuildError("A repo id must be provided")
        return dict(self.session.repoInfo(repo_id, strict=True))

    def source_package(self, relative: str) -> Path:
        """The source package below the hub's work directory, fetched and looked at."""
        try:
            path = self._fetched(f"work/{relative}")
        except OSError as error:
            raise BuildFailed(f"SRPM file missing: {relative}: {error}") from error
        try:
            koji.check_rpm_file(str(path))
            header = koji.get_rpm_header(str(path))
        except koji.GenericError as error:
            raise BuildFailed(
                f"{path.name} is not a usable package file: {error}", hint="upload it again"
            ) from error
        if cast("Any", koji.get_header_field(header, "sourcepackage")) != 1:
            raise BuildFailed(f"{path.name} is not a source package")
        return path

    def _fetched(self, relative: str) -> Path:
        path = Path(self.workdir) / "local" / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w+b") as file:
            hub_files.fetch(f"{self.options.topurl}/{relative}", file, self.wait_for_hub)
        return path

    def concrete_arch(self, arch: str, build_config: Mapping[str, Any]) -> str:
        """The arch of the root; for noarch one that both host and tag have."""
        find_arch: Any = self.find_arch
        return str(find_arch(arch, self.session.host.getHost(), dict(build_config)))

    @contextmanager
    def buildroot(
        self, repo: Mapping[str, Any], build_config: Mapping[str, Any], arch: str, group: str
    ) -> Iterator[Workplace]:
        """Everything the work needs; see the module."""
        ctx = self.context({"method": self.method, "params": self.params})
        limits = task_limits(
            ctx.config, method=self.method, tag_name=build_config["name"], tag_extra=build_config["extra"]
        )
        privileges = build_privileges(
            ctx.config, tag_name=build_config["name"], tag_extra=build_config["extra"]
        )
        settings = buildroot_settings(
            repo=repo,
            build_config=build_config,
            arch=arch,
            group=group,
            config=ctx.config,
            ncpus=limits.ncpus,
        )
        choice = PolicyResolver(ctx.config).image_for(
            tag_name=settings.tag_name,
            tag_extra=build_config["extra"],
            arch=settings.arch,
            method=self.method,
        )
        with (
            TaskContainers(self.kill_containers) as containers,
            TaskLogs(ctx, on_lost=self.kill_containers) as logs,
            BuildrootRecord(
                ctx.session, repo_id=settings.repo_id, arch=settings.arch, task_id=self.id
            ) as record,
        ):
            ctx.journal.record(Phase.BUILDROOT_RECORD, task=self.id, buildroot=record.id)
            image = self.services.manager.ensure_image_available(
                choice.reference, ctx.config.image_pull_policy
            )
            owner = ctx.owner(buildroot_id=record.id, build_tag=settings.tag_name, arch=settings.arch)
            contained = task_containment(
                ctx.config, self.services.manager, owner=owner, image=image.id, privileges=privileges
            )
            engine = ContainedManager(self.services.manager, contained)
            guarded = GuardedManager(engine.manager, ctx.config)
            limited = LimitedManager(guarded.manager, limits, task_image=image.id)
            images = {"task": f"{choice.reference} {image.digest or image.id}", "empty": EMPTY_IMAGE}
            notes = {"image policy": choice.rule_text, **self._notes(limits, contained)}
            name = f"{settings.tag_name}-{record.id}-{settings.repo_id}"
            logs.sink(CONFIG_LOG).write(
                "stdout",
                settings.text(name=name, images=images, buildroot_id=record.id, notes=notes).encode(),
            )
            solver = Solver(
                settings=settings,
                config=ctx.config,
                owner=owner,
                task_image=image,
                manager=limited.manager,
                store=PackageStore(ctx.config.cache_dir),
                metadata=self._metadata(settings),
                log=logs.sink("root.log"),
                own_log=logs.sink("dnf.log"),
                workdir=ctx.workdir,
                environment=ctx.environment(build_tag=settings.tag_name, arch=settings.arch),
                external_repos=partial(self._external_repos, settings),
                through_outages=partial(hub_files.through_outages, self.wait_for_hub),
            )
            initializer = BuildrootInitializer(
                solver=solver, containers=containers, journal=ctx.journal, poke=self.poke
            )
            with guarded.told(), limited.explained():
                yield Workplace(
                    ctx=ctx,
                    settings=settings,
                    record=record,
                    manager=limited.manager,
                    initializer=initializer,
                    logs=logs,
                )

    def _notes(self, limits: TaskLimits, contained: Containment) -> dict[str, str]:
        """What mock_config.log says of how the build is held."""
        config = self.services.config
        return {
            "network of the build": network_of_package_code(self.method, config),
            **dict(limits.rows()),
            **dict(contained.notes),
            **{f"mount {mount.target}": mount_text(mount) for mount in config.build_mounts},
        }

    def _metadata(self, settings: BuildrootSettings) -> RepoMetadata:
        with open_session() as http:
            return hub_files.through_outages(self.wait_for_hub, lambda: read_metadata(settings, http))

    def _external_repos(self, settings: BuildrootSettings) -> dict[str, str]:
        hub: Any = self.session
        rows = hub.getExternalRepoList(settings.tag_id, event=settings.event_id)
        return {row["url"].replace("$arch", settings.arch): row["external_repo_name"] for row in rows}


def mount_text(mount: VolumeMount) -> str:
    """What mock_config.log says of a mount of the build."""
    return f"{mount.source} ({'read-only' if mount.read_only else 'writable'})"
