"""The roots of build containers: taken from an image, or populated in the container that then becomes the build's.

In every case what rpm lists *inside* a root must be what was solved: an image of which that is not true is thrown away,
and a root that was populated and differs fails the task. A root lives as long as its container, which the task holds.
"""

import logging
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from koji_adjutant.buildroot.images.keys import (
    EMPTY_IMAGE,
    discard,
    find_image,
    image_name,
    is_unchecked,
    mismatch,
)
from koji_adjutant.buildroot.install.installer import InstallerRun, installer_spec
from koji_adjutant.buildroot.install.rpm_output import RpmOutput
from koji_adjutant.buildroot.install.solutions import Solution
from koji_adjutant.buildroot.install.solver import Solver
from koji_adjutant.buildroot.packages import InstalledPackage, list_again, other_packages, start_and_list
from koji_adjutant.buildroot.settings import HOME, BuildrootSettings
from koji_adjutant.buildroot.task_containers import TaskContainers
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, ImageInfo
from koji_adjutant.container.labels import Owner
from koji_adjutant.container.programs import TeeSink
from koji_adjutant.errors import (
    BuildrootFailed,
    EngineBroken,
    EngineDamaged,
    EngineError,
    Problem,
    TaskInterrupted,
    TaskTimeout,
)
from koji_adjutant.journal.phases import Journal, Phase
from koji_adjutant.journal.use import Root

logger = logging.getLogger("koji.adjutant.buildroot")

NOT_INITIALIZED = "could not init buildroot"
HOME_LIMIT = 1 << 30
"""Bytes of a build user's home that are handed on: beyond, packages are sooner installed than it is copied."""


@dataclass(frozen=True, kw_only=True)
class Buildroot:
    """A running build container and what is installed in it; `content` is the key of that."""

    container: str
    packages: tuple[InstalledPackage, ...]
    content: str
    spec: ContainerSpec
    root: Root
    """How it came to be what it is."""
    is_base: bool = True
    """Whether it has the install group and nothing else."""
    satisfied: frozenset[str] = frozenset()
    """Requirements that the solver has found to be there."""


class InstallFailed(BuildrootFailed):
    """rpm could not install what had been solved; root.log says why."""


@dataclass(frozen=True, kw_only=True)
class Roots:
    """Makes the roots of one task, in containers that `containers` holds."""

    solver: Solver
    containers: TaskContainers
    journal: Journal

    @property
    def manager(self) -> ContainerManager:
        return self.solver.manager

    @property
    def settings(self) -> BuildrootSettings:
        return self.solver.settings

    @property
    def config(self) -> Config:
        return self.solver.config

    @property
    def owner(self) -> Owner:
        return self.solver.owner

    def from_image(self, spec: ContainerSpec, key: str, expected: frozenset[str]) -> Buildroot | None:
        """A started container of the image of `key`; None when there is none, or not of what its name says."""
        made = self._container_of_image(spec, key)
        if made is None:
            return None
        image, container = made
        try:
            packages = start_and_list(self.manager, container)
        except (EngineError, EngineDamaged, TaskInterrupted, BuildrootFailed) as error:
            problem: Problem | None = Problem(str(error))
        else:
            problem = mismatch(image, packages) or other_packages(packages, expected)
            if problem is None:
                self.journal.record(
                    Phase.IMAGE_READY,
                    task=self.owner.task_id,
                    container=container,
                    key=key,
                    image=image.id,
                    digest=image.digest,
                )
                spec = replace(spec, image=image.id)
                return Buildroot(
                    container=container, packages=packages, content=key, spec=spec, root=Root.HIT
                )
        self.containers.remove(container)
        discard(self.manager, self.config, key, str(problem), self.journal)
        return None

    def _container_of_image(self, spec: ContainerSpec, key: str) -> tuple[ImageInfo, str] | None:
        """The image of `key` and a container of it; None when there is none, or a damaged one, which goes."""
        try:
            image = find_image(self.manager, key)
            if image is None or is_unchecked(self.config.cache_dir, image):
                return None
            return image, self.containers.create(self.manager, replace(spec, image=image.id))
        except EngineBroken as error:
            try:
                is_damaged = isinstance(error, EngineDamaged) or self._is_damaged(spec, key)
            except EngineError:
                # Podman 4.3 crashes over an image that comes or goes while it looks: there is none now.
                return None
            if not is_damaged:
                raise
            discard(self.manager, self.config, key, str(error), self.journal)
            return None
        except EngineError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            # Removed since it was found.
            return None

    def _is_damaged(self, spec: ContainerSpec, key: str) -> bool:
        try:
            with self.manager.created(replace(spec, image=image_name(key))):
                return False
        except EngineDamaged:
            return True

    def populated(self, spec: ContainerSpec, key: str, solution: Solution) -> Buildroot:
        """A started container of `spec` in whose root exactly the packages of `solution` were installed."""
        spec, container = self._empty_container(spec)
        self._install(container, solution, is_base=True)
        try:
            packages = start_and_list(self.manager, container)
        except EngineError as error:
            if spec.command[0] not in error.message:
                raise
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: the build container cannot be started: {error}",
                hint=f"check that comps group {self.settings.group} of the build tag brings bash and coreutils",
            ) from error
        except BuildrootFailed as error:
            raise self._unreadable(error.message) from error
        self._check(packages, frozenset(package.nevra for package in solution.install))
        return Buildroot(container=container, packages=packages, content=key, spec=spec, root=Root.POPULATED)

    def _empty_container(self, spec: ContainerSpec) -> tuple[ContainerSpec, str]:
        spec = replace(spec, image=self.manager.import_empty_image(EMPTY_IMAGE).id)
        try:
            return spec, self.containers.create(self.manager, spec)
        except EngineDamaged as error:
            logger.warning("the empty image is made anew: %s", error)
        self.manager.remove_image(EMPTY_IMAGE)
        spec = replace(spec, image=self.manager.import_empty_image(EMPTY_IMAGE).id)
        return spec, self.containers.create(self.manager, spec)

    def extended(
        self, buildroot: Buildroot, key: str, solution: Solution, expected: frozenset[str]
    ) -> Buildroot:
        """The buildroot with the packages of `solution` installed and erased, so that `expected` are there."""
        self._install(buildroot.container, solution, is_base=False)
        packages = list_again(self.manager, buildroot.container)
        self._check(packages, expected)
        return replace(buildroot, packages=packages, content=key, is_base=False, root=Root.POPULATED)

    def hand_on_home(self, source: str, container: str) -> bool:
        """Copy the build user's home to a container that is removed when that cannot be done; whether it was."""
        try:
            self.manager.copy_across(source, HOME, container, limit=HOME_LIMIT)
        except EngineError as error:
            # Package code has been at work there; the container that it knows will do.
            logger.warning("task %s: its home cannot be handed on: %s", self.owner.task_id, error)
            self.containers.remove(container)
            return False
        return True

    def _install(self, container: str, solution: Solution, *, is_base: bool) -> None:
        began = time.monotonic()
        packages = self.solver.workdir / f"install-{secrets.token_hex(4)}"
        root = self.manager.mount_root(container)
        try:
            self.solver.provide(solution, packages)
            run = InstallerRun(
                config=self.config,
                owner=self.owner,
                image=self.solver.task_image.id,
                root=root,
                packages=packages,
                is_base=is_base,
                arch=self.settings.arch,
                forced=bool(self.settings.forcearch),
                erased=solution.remove,
            )
            self._run_installer(run)
        finally:
            shutil.rmtree(packages, ignore_errors=True)
        self.journal.record(
            Phase.POPULATED,
            task=self.owner.task_id,
            container=container,
            seconds=round(time.monotonic() - began, 3),
            packages=len(solution.install),
        )

    def _run_installer(self, run: InstallerRun) -> None:
        output, limit = RpmOutput(), self.config.install_timeout
        try:
            sink = TeeSink(self.solver.log, output)
            status = self.manager.run(installer_spec(run), sink, timeout=limit)
        except TaskTimeout as error:
            last = f"; it was busy with {output.package}" if output.package else ""
            raise InstallFailed(
                f"{NOT_INITIALIZED}: rpm did not end in {limit:g} seconds{last}; see root.log for more information",
                hint="look for a scriptlet that waits; install_timeout on the builder is the limit",
            ) from error
        if status:
            why = f": {output.reason}" if output.reason else ""
            raise InstallFailed(
                f"{NOT_INITIALIZED}: rpm ended with status {status}{why}; see root.log for more information"
            )

    def _unreadable(self, why: str) -> BuildrootFailed:
        """The error for a root whose rpm does not read what was just installed."""
        return BuildrootFailed(
            f"rpm of the buildroot of task {self.owner.task_id} does not read the packages that rpm of task image "
            f"{self.solver.task_image.reference} has installed: {why}",
            hint=f"give tag {self.settings.tag_name} a task image of its own release (adjutant_image_policy)",
        )

    def _check(self, packages: Sequence[InstalledPackage], expected: frozenset[str]) -> None:
        difference = other_packages(packages, expected)
        if expected and not packages:
            raise self._unreadable("they have other databases")
        if difference:
            raise BuildrootFailed(
                f"the buildroot of task {self.owner.task_id} is not what the solver chose: {difference}",
                hint="use a task image of the same distribution release as the build tag",
            )
