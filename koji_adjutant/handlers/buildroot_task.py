"""What the tasks with a buildroot share: their repo, source package, buildroot record, images and logs.

`BuildrootTask.buildroot` is the context in which such a task works: it opens the hub's record and the logs, and
leaves an expired record and uploaded logs behind, whatever happened.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault

import koji
import requests

from koji_adjutant import names
from koji_adjutant.buildroot.images.keys import EMPTY_IMAGE
from koji_adjutant.buildroot.initializer import BuildrootInitializer
from koji_adjutant.buildroot.install.downloads import open_session
from koji_adjutant.buildroot.install.repo_metadata import RepoMetadata, read_metadata
from koji_adjutant.buildroot.install.solutions import PackageStore
from koji_adjutant.buildroot.install.solver import Solver
from koji_adjutant.buildroot.record import BuildrootRecord, Origins, PackageLists, read_origins
from koji_adjutant.buildroot.settings import HOME, BuildrootSettings, buildroot_settings
from koji_adjutant.buildroot.task_containers import TaskContainers
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ImageInfo
from koji_adjutant.container.labels import Owner
from koji_adjutant.errors import BuildFailed, TaskCanceled
from koji_adjutant.guards.confinement import Containment, task_containment
from koji_adjutant.guards.stack import guarded
from koji_adjutant.handlers.base import TaskHandler
from koji_adjutant.host.machines import can_run, impossible_machines
from koji_adjutant.hub import files as hub_files
from koji_adjutant.journal.phases import Phase
from koji_adjutant.logs.task_logs import TaskLogs
from koji_adjutant.policy.containers import TaskLimits, build_privileges, network_of_package_code, task_limits
from koji_adjutant.policy.methods import METHODS, Method
from koji_adjutant.policy.resolver import ImageChoice, PolicyResolver
from koji_adjutant.task_adapters import resources
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import Workplace
from koji_adjutant.task_adapters.results import check_srpm_name

CONFIG_LOG = "mock_config.log"
SOURCE = "source.src.rpm"
"""The name that a source package has here, whatever it has on the hub."""


@dataclass(frozen=True, kw_only=True)
class BuildrootPlan:
    """What a buildroot is to be and who may do what in it, by the configuration and the tag."""

    settings: BuildrootSettings
    limits: TaskLimits
    privileges: frozenset[str]
    choice: ImageChoice
    """The task image."""
    method: str

    def text(self, config: Config, contained: Containment, image: ImageInfo, buildroot_id: int) -> str:
        """mock_config.log of a buildroot with this record, made with this task image."""
        settings = self.settings
        notes = {
            "image policy": self.choice.rule_text,
            "network of the build": network_of_package_code(self.method, config),
            **dict(self.limits.rows()),
            **dict(contained.notes),
            **{f"mount {mount.target}": str(mount) for mount in config.build_mounts},
        }
        return settings.text(
            name=f"{settings.tag_name}-{buildroot_id}-{settings.repo_id}",
            images={"task": f"{self.choice.reference} {image.digest or image.id}", "empty": EMPTY_IMAGE},
            buildroot_id=buildroot_id,
            notes=notes,
        )


class BuildrootTask(TaskHandler):
    """A handler whose work needs a buildroot."""

    @property
    def row(self) -> Method:
        """What is known of the method."""
        return METHODS[self.method]

    def checkHost(self, hostdata: Mapping[str, Any]) -> bool:  # noqa: N802 - the library's name
        """Whether this host has an arch of the build tag, and can run what is built for the task's.

        What the tag or the request lacks every host would refuse, and the task would wait for ever: it is taken, and
        fails with the reason.
        """
        host_arches = {koji.canonArch(arch) for arch in (hostdata["arches"] or "").split()}
        tag_arches = self._tag_arches()
        if tag_arches and not host_arches & tag_arches:
            self.logger.info("task %s: this host has %s, its tag %s", self.id, host_arches, tag_arches)
            return False
        if not can_run(self.task_arch, impossible_machines(self.options.state_dir)):
            self.logger.warning("task %s is for %s, which this machine cannot run", self.id, self.task_arch)
            return False
        return True

    def _tag_arches(self) -> set[str]:
        """Those of the build tag; none where it has none, or none are known."""
        build_tag = self.row.tag(self.params, self.opts)
        try:
            tag: Any = self.session.getBuildConfig(build_tag)
        except (requests.RequestException, koji.GenericError) as error:
            # If the hub is away, the task is not opened either.
            self.logger.warning("task %s: its build tag is unknown: %s", self.id, error)
            return set()
        return {koji.canonArch(arch) for arch in ((tag or {}).get("arches") or "").split()}

    @property
    def task_arch(self) -> str:
        """The arch that the task names; noarch for one that names none."""
        return str(self.row.arch(self.params, self.opts) or "noarch")

    def repo(self) -> dict[str, Any]:
        """repoInfo of the repo that the task names."""
        repo_id = self.row.repo(self.params, self.opts)
        if not repo_id:
            raise koji.BuildError("A repo id must be provided")
        return dict(self.session.repoInfo(repo_id, strict=True))

    def source_package(self, relative: str) -> Path:
        """The source package below the hub's work directory, fetched and looked at."""
        name = names.relative(relative, "source package", BuildFailed).name
        url = names.url_below(f"{self.options.topurl}/work", relative, "source package", BuildFailed)
        path = Path(self.workdir) / SOURCE
        try:
            hub_files.fetch_to(url, path, self.wait_for_hub)
        except OSError as error:
            raise BuildFailed(f"SRPM file missing: {relative}: {error}") from error
        try:
            koji.check_rpm_file(str(path))
            header = koji.get_rpm_header(str(path))
        except koji.GenericError as error:
            raise BuildFailed(
                f"{name} is not a usable package file: {error}", hint="upload it again"
            ) from error
        if cast("Any", koji.get_header_field(header, "sourcepackage")) != 1:
            raise BuildFailed(f"{name} is not a source package")
        return path

    def concrete_arch(
        self, arch: str, build_config: Mapping[str, Any], host: Mapping[str, Any] | None = None
    ) -> str:
        """The arch of the root; for noarch one that both tag and host have. The hub is asked for `host` where none is
        given."""
        find_arch: Any = self.find_arch
        return str(find_arch(arch, host or self.session.host.getHost(), dict(build_config)))

    def upload_srpm(
        self,
        place: Workplace,
        made: Path,
        source: Mapping[str, Any],
        *,
        is_listed: Callable[[str], bool] = lambda _log: True,
    ) -> dict[str, Any]:
        """Upload the source package that a task was for, and finish its logs: the hub's result, with those listed."""
        check_srpm_name(made)
        self.uploadFile(str(made))
        place.ctx.journal.record(Phase.UPLOADED, task=self.id, files=1)
        evidence = self.upload_evidence(place)
        place.logs.finish()
        directory = self.getUploadDir()
        return {
            "srpm": f"{directory}/{made.name}",
            "logs": [f"{directory}/{name}" for name in (*place.logs.names, *evidence) if is_listed(name)],
            "brootid": place.buildroot_id,
            "source": dict(source),
        }

    def upload_evidence(self, place: Workplace) -> tuple[str, ...]:
        """resources.json to the hub, where this host is to; the names of what was uploaded."""
        ctx = place.ctx
        if not ctx.config.build_evidence:
            return ()
        path = ctx.workdir / resources.NAME
        text = resources.resources_text(
            task={"task": self.id, "method": self.method, "arch": place.settings.arch},
            limits=place.limits.details(),
            containers=ctx.usage.so_far(),
            phases=tuple(ctx.usage.phases),
        )
        path.write_text(text)
        self.uploadFile(str(path))
        return (path.name,)

    @contextmanager
    def evidence_of_failure(self, place: Workplace) -> Iterator[None]:
        """In this context a failure of the package's has evidence, too."""
        try:
            yield
        except BuildFailed:
            # That it cannot be had hides nothing.
            with suppress(koji.GenericError, Fault, OSError, TaskCanceled):
                self.upload_evidence(place)
            raise

    @contextmanager
    def buildroot(
        self, repo: Mapping[str, Any], build_config: Mapping[str, Any], arch: str, group: str
    ) -> Iterator[Workplace]:
        """What an adapter works with in a buildroot: of install group `group` of `repo` (repoInfo), which is a repo of
        the tag `build_config` (getBuildConfig).

        When the context is left, the containers are gone or going, the record is expired and the logs are on the hub.
        """
        ctx = self.context({"method": self.method, "params": self.params})
        plan = self._plan(repo, build_config, arch, group)
        with ExitStack() as stack:
            containers = stack.enter_context(TaskContainers(self.kill_containers))
            logs = stack.enter_context(TaskLogs(ctx, on_lost=self.kill_containers, shown=self.services.shown))
            self.services.shown.update(tag=plan.settings.tag_name, arch=plan.settings.arch)
            record = stack.enter_context(self._record(plan.settings))
            ctx.journal.record(Phase.BUILDROOT_RECORD, task=self.id, buildroot=record.id)
            owner = ctx.owner(
                buildroot_id=record.id, build_tag=plan.settings.tag_name, arch=plan.settings.arch
            )
            image = self._task_image(plan.choice)
            ctx.journal.record(
                Phase.IMAGE_READY, task=self.id, image=plan.choice.reference, digest=image.digest
            )
            contained = self._containment(owner, image, plan.privileges)
            logs.sink(CONFIG_LOG).write("stdout", plan.text(ctx.config, contained, image, record.id).encode())
            manager = stack.enter_context(self._engine(plan.limits, image, contained))
            solver = self._solver(ctx, plan.settings, owner, image=image, manager=manager, logs=logs)
            read = partial(self._origins, plan.settings, solver.metadata)
            place = Workplace(
                ctx=ctx,
                manager=manager,
                settings=plan.settings,
                buildroot_id=record.id,
                initializer=BuildrootInitializer(
                    solver=solver, containers=containers, journal=ctx.journal, poke=self.poke
                ),
                logs=logs,
                report=PackageLists(record, read, containers.submit),
                limits=plan.limits,
            )
            with self.evidence_of_failure(place):
                yield place

    def _plan(
        self, repo: Mapping[str, Any], build_config: Mapping[str, Any], arch: str, group: str
    ) -> BuildrootPlan:
        config, name, extra = self.services.config, build_config["name"], build_config["extra"]
        limits = task_limits(config, method=self.method, tag_name=name, tag_extra=extra)
        privileges = build_privileges(config, tag_name=name, tag_extra=extra)
        settings = buildroot_settings(
            repo=repo, build_config=build_config, arch=arch, group=group, config=config, ncpus=limits.ncpus
        )
        choice = PolicyResolver(config).image_for(
            tag_name=name, tag_extra=extra, arch=settings.arch, method=self.method
        )
        return BuildrootPlan(
            settings=settings, limits=limits, privileges=privileges, choice=choice, method=self.method
        )

    def _record(self, settings: BuildrootSettings) -> BuildrootRecord:
        return BuildrootRecord(self.session, repo_id=settings.repo_id, arch=settings.arch, task_id=self.id)

    def _task_image(self, choice: ImageChoice) -> ImageInfo:
        config = self.services.config
        return self.services.manager.ensure_image_available(choice.reference, config.image_pull_policy)

    def _containment(self, owner: Owner, image: ImageInfo, privileges: frozenset[str]) -> Containment:
        config, manager = self.services.config, self.services.manager
        return task_containment(config, manager, owner=owner, image=image.id, privileges=privileges)

    def _engine(
        self, limits: TaskLimits, image: ImageInfo, contained: Containment
    ) -> AbstractContextManager[ContainerManager]:
        config, manager = self.services.config, self.services.manager
        return guarded(manager, config, limits, task_image=image.id, home=HOME, containment=contained)

    def _solver(
        self,
        ctx: TaskContext,
        settings: BuildrootSettings,
        owner: Owner,
        *,
        image: ImageInfo,
        manager: ContainerManager,
        logs: TaskLogs,
    ) -> Solver:
        return Solver(
            settings=settings,
            config=ctx.config,
            owner=owner,
            task_image=image,
            manager=manager,
            store=PackageStore(ctx.config.cache_dir),
            metadata=self._metadata(settings),
            log=logs.sink("root.log"),
            own_log=logs.sink("dnf.log"),
            workdir=ctx.workdir,
            environment=ctx.environment(build_tag=settings.tag_name, arch=settings.arch),
            external_repos=partial(self._external_repos, settings),
            through_outages=partial(hub_files.through_outages, self.wait_for_hub),
        )

    def _metadata(self, settings: BuildrootSettings) -> RepoMetadata:
        with open_session() as http:
            return hub_files.through_outages(self.wait_for_hub, lambda: read_metadata(settings, http))

    def _origins(self, settings: BuildrootSettings, metadata: RepoMetadata) -> Origins:
        read = partial(read_origins, self.session, settings, metadata)
        return hub_files.through_outages(self.wait_for_hub, read)

    def _external_repos(self, settings: BuildrootSettings) -> dict[str, str]:
        hub: Any = self.session
        rows = hub.getExternalRepoList(settings.tag_id, event=settings.event_id)
        return {row["url"].replace("$arch", settings.arch): row["external_repo_name"] for row in rows}
