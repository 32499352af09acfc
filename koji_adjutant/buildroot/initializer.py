"""From settings to a running build container whose root is the buildroot.

What belongs into the root is known before there is one: the solution of the install group in the task's own repo,
found before on this host or now. The root comes from an image of exactly that, or is populated from empty in the
container that then becomes the build container. BuildRequires are added to that root, or, where an image has them
already, a container of that image takes over the build user's home. In every case what rpm lists *inside* the root
must be what was solved: an image of which that is not true is thrown away, and the root populated.
"""

import logging
import secrets
import shutil
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from koji_adjutant.buildroot.ahead import KeptOutput, is_worth_it
from koji_adjutant.buildroot.held import TaskContainers
from koji_adjutant.buildroot.images import (
    EMPTY_IMAGE,
    ImageRequest,
    base_key,
    discard,
    find_image,
    image_name,
    mismatch,
    requests_directory,
    requires_key,
)
from koji_adjutant.buildroot.installer import InstallerRun, installer_spec
from koji_adjutant.buildroot.listing import list_again, other_packages, start_and_list
from koji_adjutant.buildroot.package_store import Solution
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.root_log import came_with
from koji_adjutant.buildroot.rpm_output import RpmOutput
from koji_adjutant.buildroot.settings import HOME, BuildrootSettings
from koji_adjutant.buildroot.solver import Solver, Unsolvable
from koji_adjutant.buildroot.usage import Kind, RootUse, UsageRecords
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ContainerSpec
from koji_adjutant.container.labels import Owner
from koji_adjutant.errors import (
    AdjutantError,
    BuildrootFailed,
    EngineBroken,
    EngineDamaged,
    EngineError,
    TaskInterrupted,
    TaskTimeout,
)
from koji_adjutant.journal import Journal, Phase

logger = logging.getLogger(__name__)

NOT_FOUND = 404
NOT_INITIALIZED = "could not init buildroot"
HOME_LIMIT = 1 << 30
"""Bytes of a build user's home that are handed on: beyond, packages are sooner installed than it is copied."""
WORTH_AN_IMAGE = 2
"""How often within a day a set of BuildRequires is installed before it gets an image."""


@dataclass(frozen=True, kw_only=True)
class Buildroot:
    """A running build container and what is installed in it; `content` is the key of that."""

    container: str
    packages: tuple[InstalledPackage, ...]
    content: str
    spec: ContainerSpec
    is_base: bool = True
    """Whether it has the install group and nothing else."""
    satisfied: frozenset[str] = frozenset()
    """Requirements that the solver has found to be there."""


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """What was seen to ahead: what for, what the solver said, and a container that has it, or its packages."""

    requires: tuple[str, ...]
    output: KeptOutput
    fetching: Future[None] | None
    buildroot: Buildroot | None


class InstallFailed(BuildrootFailed):
    """rpm could not install what had been solved; root.log says why."""


class Poke(Protocol):
    """Tells the daemon that there is something new to see."""

    def __call__(self) -> None: ...


@dataclass(kw_only=True)
class BuildrootInitializer:
    """Makes the buildroot of one task, in containers that `containers` holds."""

    solver: Solver
    containers: TaskContainers
    journal: Journal
    poke: Poke
    _ahead: Future[Ahead] | None = None
    _wish: ImageRequest | None = None
    """The set of BuildRequires that was installed, while it has no image and nobody has asked for one."""

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

    # The install group

    def build_container(self, spec: ContainerSpec) -> Buildroot:
        """A started container of `spec` with a complete root; its image is chosen here."""
        solution = self._solved_group()
        key = base_key(self.settings, self.solver.task_image, solution)
        expected = frozenset(package.nevra for package in solution.install)
        buildroot = self._from_image(spec, key, expected)
        self._used(key, "base", solution, hit=buildroot is not None)
        return buildroot or self._populated(spec, key, solution)

    def _solved_group(self) -> Solution:
        group, tag = self.settings.group, self.settings.tag_name
        try:
            solution = self.solver.group()
        except Unsolvable as error:
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: {error}; see root.log for more information",
                hint=f"check that comps group {group} of the build tag names packages it has",
            ) from error
        self.journal.record(Phase.SOLVED, task=self.owner.task_id, packages=len(solution.install))
        if not solution.install:
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: comps group {group} of tag {tag} is empty",
                hint="add packages to the group, and regenerate the repo",
            )
        return solution

    def _populated(self, spec: ContainerSpec, key: str, solution: Solution) -> Buildroot:
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
        self._check(packages, frozenset(package.nevra for package in solution.install))
        self._ask(ImageRequest.of_base(key, self.settings, self.solver.task_image, solution))
        return Buildroot(container=container, packages=packages, content=key, spec=spec)

    def _empty_container(self, spec: ContainerSpec) -> tuple[ContainerSpec, str]:
        spec = replace(spec, image=self.manager.import_empty_image(EMPTY_IMAGE).id)
        try:
            return spec, self.containers.create(self.manager, spec)
        except EngineDamaged as error:
            logger.warning("the empty image is made anew: %s", error)
        self.manager.remove_image(EMPTY_IMAGE)
        spec = replace(spec, image=self.manager.import_empty_image(EMPTY_IMAGE).id)
        return spec, self.containers.create(self.manager, spec)

    # BuildRequires

    def look_ahead(self, base: Buildroot, requires: Sequence[str]) -> bool:
        """Begin to see to what will probably be asked for; whether some of it is known to be missing."""
        if not is_worth_it(requires, base.packages):
            return False
        known = self.solver.cached_requires(requires, base_key=base.content)
        self._ahead = self.containers.first(partial(self._see_to, base, tuple(requires)))
        return known is not None and bool(known.install)

    def _see_to(self, base: Buildroot, requires: tuple[str, ...]) -> Ahead:
        output = KeptOutput()
        solver = replace(self.solver, log=output)
        found = fetching = None
        try:
            root = partial(self.manager.mount_root, base.container)
            solution = solver.requires(requires, base_key=base.content, root=root)
            if solution.install:
                found = self._from_image(base.spec, *self._added(base, solution))
            if found is None:
                # Longer than the root may be held for it.
                fetching = self.containers.beside(partial(solver.fetch, solution))
        except AdjutantError as error:
            logger.info("task %s: BuildRequires are not seen to ahead: %s", self.owner.task_id, error)
        return Ahead(requires=requires, output=output, fetching=fetching, buildroot=found)

    def _seen_to(self, requires: Sequence[str]) -> Buildroot | None:
        """What the look ahead has prepared, once it has ended."""
        if self._ahead is None:
            return None
        ahead, self._ahead = self._ahead.result(), None
        if ahead.requires == tuple(requires):
            ahead.output.pass_on(self.solver.log)
            # What cannot be fetched is said when it is asked for again.
            wait([ahead.fetching] if ahead.fetching else [])
        return ahead.buildroot

    def install_requires(self, buildroot: Buildroot, requires: Sequence[str]) -> Buildroot:
        """The buildroot with `requires` added to what it has; its container may be another one afterwards.

        Unsolvable, InstallFailed. With the same `content` when nothing had to be installed.
        """
        prepared = self._seen_to(requires)
        container, wanted = buildroot.container, frozenset(requires)
        if wanted <= buildroot.satisfied:
            return buildroot
        root = partial(self.manager.mount_root, container)
        solution = self.solver.requires(requires, base_key=buildroot.content, root=root)
        self.journal.record(
            Phase.SOLVED, task=self.owner.task_id, container=container, packages=len(solution.install)
        )
        if not solution.install:
            return replace(buildroot, satisfied=buildroot.satisfied | wanted)
        satisfied = wanted if solution.remove else buildroot.satisfied | wanted
        key, expected = self._added(buildroot, solution)
        found = self._taken_over(buildroot, key, expected, prepared) if buildroot.is_base else None
        if found is not None:
            self._used(key, "requires", solution, hit=True)
            return replace(found, satisfied=satisfied)
        self._install(container, solution, is_base=False)
        packages = list_again(self.manager, container)
        self._check(packages, expected)
        if buildroot.is_base:
            self._count(buildroot.content, key, solution, packages)
        return replace(buildroot, packages=packages, content=key, is_base=False, satisfied=satisfied)

    def _added(self, buildroot: Buildroot, solution: Solution) -> tuple[str, frozenset[str]]:
        """Key and packages of the root that the buildroot becomes with a solution."""
        before = {package.nevra for package in buildroot.packages}
        after = before - solution.remove | {package.nevra for package in solution.install}
        return requires_key(buildroot.content, solution), frozenset(after)

    def keep_requires(self) -> None:
        """Have an image made of the BuildRequires that this task had to install: they will be wanted again soon."""
        if self._wish is not None:
            self._ask(self._wish)
            self._wish = None

    @property
    def has_wish(self) -> bool:
        """Whether `keep_requires` would ask for an image."""
        return self._wish is not None

    def _taken_over(
        self, base: Buildroot, key: str, expected: frozenset[str], prepared: Buildroot | None
    ) -> Buildroot | None:
        """A container of the image of `key`, with the build user's home; the base's goes."""
        if prepared is not None and prepared.content != key:
            self.containers.release(prepared.container)
            prepared = None
        found = prepared or self._from_image(base.spec, key, expected)
        if found is None or not self._home_copied(base.container, found.container):
            return None
        self.containers.release(base.container)
        return replace(found, is_base=False)

    def _count(self, base: str, key: str, solution: Solution, packages: Sequence[InstalledPackage]) -> None:
        of_base = ImageRequest.of_base(base, self.settings, self.solver.task_image, solution)
        request = of_base.with_requires(key, solution, packages)
        built = UsageRecords(self.config.cache_dir).requires_built(key, self._use("requires", solution))
        if built >= WORTH_AN_IMAGE:
            self._ask(request)
        else:
            self._wish = request

    # Both

    def _from_image(self, spec: ContainerSpec, key: str, expected: frozenset[str]) -> Buildroot | None:
        """A started container of the image of `key`; None when there is none, or not of what its name says."""
        try:
            image = find_image(self.manager, key)
            if image is None:
                return None
            spec = replace(spec, image=image.id)
            container = self.containers.create(self.manager, spec)
        except EngineBroken as error:
            try:
                is_damaged = isinstance(error, EngineDamaged) or self._is_damaged(spec, key)
            except EngineError:
                # Podman 4.3 crashes over an image that comes or goes while it looks: there is none now.
                return None
            if not is_damaged:
                raise
            discard(self.manager, self.config, key, str(error))
            return None
        except EngineError as error:
            if error.status != NOT_FOUND:
                raise
            # Removed since it was found.
            return None
        try:
            packages = start_and_list(self.manager, container)
        except (EngineError, EngineDamaged, TaskInterrupted, BuildrootFailed) as error:
            reason = str(error)
        else:
            reason = mismatch(image, packages) or other_packages(packages, expected)
            if not reason:
                self.journal.record(
                    Phase.IMAGE_READY, task=self.owner.task_id, container=container, key=key, image=image.id
                )
                return Buildroot(container=container, packages=packages, content=key, spec=spec)
        self.containers.remove(container)
        discard(self.manager, self.config, key, reason)
        return None

    def _is_damaged(self, spec: ContainerSpec, key: str) -> bool:
        try:
            with self.manager.created(replace(spec, image=image_name(key))):
                return False
        except EngineDamaged:
            return True

    def _home_copied(self, source: str, container: str) -> bool:
        try:
            self.manager.copy_across(source, HOME, container, limit=HOME_LIMIT)
        except EngineError as error:
            # Package code has been at work there; the container that it knows will do.
            logger.warning("task %s: its home cannot be handed on: %s", self.owner.task_id, error)
            self.containers.remove(container)
            return False
        return True

    def _install(self, container: str, solution: Solution, *, is_base: bool) -> None:
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
            )
            self._run_installer(run)
        finally:
            shutil.rmtree(packages, ignore_errors=True)
        self.journal.record(Phase.POPULATED, task=self.owner.task_id, container=container)

    def _run_installer(self, run: InstallerRun) -> None:
        output, limit = RpmOutput(self.solver.log), self.config.install_timeout
        try:
            status = self.manager.run(installer_spec(run), output, timeout=limit)
        except TaskTimeout as error:
            # rpm names a package after its %pre, and says nothing while that one runs.
            last = f"; it was busy with {output.package} or a %pre after it" if output.package else ""
            raise InstallFailed(
                f"{NOT_INITIALIZED}: rpm did not end in {limit:g} seconds{last}; see root.log for more information",
                hint="look for a scriptlet that waits; install_timeout on the builder is the limit",
            ) from error
        if status:
            why = f": {output.reason}" if output.reason else ""
            raise InstallFailed(
                f"{NOT_INITIALIZED}: rpm ended with status {status}{why}; see root.log for more information"
            )

    def _check(self, packages: Sequence[InstalledPackage], expected: frozenset[str]) -> None:
        difference = other_packages(packages, expected)
        if difference:
            raise BuildrootFailed(
                f"the buildroot of task {self.owner.task_id} is not what the solver chose: {difference}",
                hint="use a task image of the same distribution release as the build tag",
            )

    def _used(self, key: str, kind: Kind, solution: Solution, *, hit: bool) -> None:
        UsageRecords(self.config.cache_dir).used(key, self._use(kind, solution), hit=hit)
        if hit:
            self.solver.log.write("stdout", came_with(image_name(key), kind, solution))

    def _use(self, kind: Kind, solution: Solution) -> RootUse:
        return RootUse.of(self.settings, kind, self.solver.task_image.id, len(solution.install))

    def _ask(self, request: ImageRequest) -> None:
        request.save(requests_directory(self.config))
        self.poke()
