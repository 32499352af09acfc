"""What the adapters of tasks with a buildroot share: their container, and the way to its first command.

The build container is there as long as the context of `prepared`; when the work was done it goes in the background,
otherwise at once. The hub wants the base set while its record of the buildroot is new, and builds only after that
(kojid-facts 4.3): inside the context the handler has told it. What the task stages in the build user's home is made
ready while the container starts.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from koji_adjutant.buildroot.initializer import BuildrootInitializer
from koji_adjutant.buildroot.packages import QUERY_FORMAT, InstalledPackage
from koji_adjutant.buildroot.roots import Buildroot
from koji_adjutant.buildroot.settings import BUILD_IDS, HOME, BuildrootSettings
from koji_adjutant.config.build_mounts import host_groups
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, VolumeMount
from koji_adjutant.container.labels import Role
from koji_adjutant.container.programs import bash
from koji_adjutant.journal.phases import Phase
from koji_adjutant.logs.task_logs import TaskLogs
from koji_adjutant.policy.containers import TaskLimits, network_of_package_code
from koji_adjutant.task_adapters.base import BaseTaskAdapter, TaskContext
from koji_adjutant.task_adapters.rpmbuild import Narrator

IDLE_SCRIPT = Path(__file__).with_name("scripts") / "idle.sh"
IDLE_TEXT = IDLE_SCRIPT.read_text()
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - inside a container of one task
SHM_MINIMUM = 1 << 30
NO_HOST_NAME = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)

Stage = Callable[[Path], None]
"""Puts what a task works on into a directory that is copied into its container as the build user's home."""


class PackageReport(Protocol):
    """Tells the hub which packages a buildroot has: the handler does, an adapter asks the hub for nothing."""

    def begin(self) -> None:
        """A root is being made: the time to find out where its packages come from."""

    def base(self, packages: Sequence[InstalledPackage]) -> None:
        """Nothing of the task's own has run yet, and `packages` are installed."""

    def whole(self, packages: Sequence[InstalledPackage]) -> None:
        """The build has ended, well or not, and `packages` are installed."""


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What the handler of a task with a buildroot opens for its adapter, and closes behind it."""

    ctx: TaskContext
    manager: ContainerManager
    """The engine, with the limits of this task."""
    settings: BuildrootSettings
    buildroot_id: int
    """Of the hub's record."""
    initializer: BuildrootInitializer
    logs: TaskLogs
    report: PackageReport
    limits: TaskLimits

    def note_ready(self, buildroot: Buildroot) -> None:
        """The buildroot has all that is needed so far."""
        self.ctx.journal.record(
            Phase.BUILDROOT_READY,
            task=self.ctx.task_id,
            container=buildroot.container,
            root=buildroot.root.value,
            packages=len(buildroot.packages),
            limits=self.limits.details(),
        )


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A build container with what the task has staged in the build user's home."""

    buildroot: Buildroot
    narrator: Narrator


@dataclass(kw_only=True)
class BuildrootAdapter(BaseTaskAdapter):
    """A task that works in a buildroot."""

    place: Workplace

    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:  # noqa: ARG002
        """The build container."""
        return build_container_spec(ctx, self.place.settings, self.place.buildroot_id)

    @contextmanager
    def prepared(
        self, ctx: TaskContext, manager: ContainerManager, stage: Stage, *, spec: ContainerSpec | None = None
    ) -> Iterator[Prepared]:
        """Everything up to the first command of the task's own.

        An adapter that says by itself which container comes first stages in this thread, and last: when the hub has
        been told of the base set.
        """
        place = self.place
        narrator, containers = Narrator(ctx, place.logs), place.initializer.containers
        narrator.begin("init")
        with containers.work():
            place.report.begin()
            staged = partial(staged_home, ctx.workdir / "stage", place.settings, stage)
            home = containers.submit(staged) if spec is None else None
            buildroot = place.initializer.build_container(spec or self.build_spec(ctx, ctx.parameters))
            place.note_ready(buildroot)
            place.report.base(buildroot.packages)
            narrator.end()
            directory = home.result() if home else staged()
            manager.copy_to(buildroot.container, directory, "/", owner=BUILD_IDS)
            yield Prepared(buildroot=buildroot, narrator=narrator)


def staged_home(directory: Path, settings: BuildrootSettings, stage: Stage) -> Path:
    """The build user's home as it is copied into the container: the macros, and what the task stages."""
    home = directory / HOME.lstrip("/")
    home.mkdir(parents=True)
    (home / ".rpmmacros").write_text(settings.rpmmacros)
    stage(home)
    return home


def build_container_spec(ctx: TaskContext, settings: BuildrootSettings, buildroot_id: int) -> ContainerSpec:
    """The container that package code runs in; its image is chosen by the buildroot's initializer. Pure."""
    owner = ctx.owner(buildroot_id=buildroot_id, build_tag=settings.tag_name, arch=settings.arch)
    uid, gid = BUILD_IDS
    return ContainerSpec(
        image="",
        command=bash(IDLE_TEXT, IDLE_SCRIPT.name, QUERY_FORMAT),
        labels={**ctx.config.container_labels, **owner.labels(Role.BUILD)},
        environment={"PATH": settings.environment["PATH"]},
        user=f"{uid}:{gid}",
        host_groups=host_groups(ctx.config.build_mounts),
        workdir="/",
        hostname=host_name(settings.macros["%_buildhost"]),
        mounts=(shared_memory(), *ctx.config.build_mounts),
        network=network_of_package_code(str(ctx.parameters.get("method")), ctx.config),
        image_hosts=True,
    )


def host_name(macro: str) -> str:
    """The build container's host name by what rpm is told: what no host is called becomes hyphens. Pure."""
    return NO_HOST_NAME.sub("-", macro)[:63]


def shm_size() -> int:
    """Half of memory, as mock's /dev/shm has; never under 1 GiB."""
    return max(SHM_MINIMUM, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)


def shared_memory() -> VolumeMount:
    """Shared memory as mock has it: programs may be mapped from it, which the engine's own does not allow."""
    options = ("nosuid", "nodev", "mode=1777", f"size={shm_size()}", "notmpcopyup")
    return VolumeMount(kind="tmpfs", target=SHARED_MEMORY, read_only=False, options=options)
