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
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from koji_adjutant.buildroot.ahead import SolvedAhead, is_worth_it
from koji_adjutant.buildroot.held import TaskContainers
from koji_adjutant.buildroot.images import (
    EMPTY_IMAGE,
    ImageRequest,
    base_key,
    discard,
    find_image,
    mismatch,
    packages_digest,
    requests_directory,
    requires_key,
)
from koji_adjutant.buildroot.installer import InstallerRun, installer_spec
from koji_adjutant.buildroot.listing import list_again, start_and_list
from koji_adjutant.buildroot.package_store import Solution
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.rpm_output import RpmOutput
from koji_adjutant.buildroot.settings import HOME, BuildrootSettings
from koji_adjutant.buildroot.solver import Solver, Unsolvable
from koji_adjutant.buildroot.usage import Kind, UsageRecords
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, ImageInfo
from koji_adjutant.container.labels import Owner
from koji_adjutant.errors import BuildrootFailed, EngineError, TaskTimeout
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
    _ahead: SolvedAhead | None = None
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
        empty = self.manager.import_empty_image(EMPTY_IMAGE)
        spec = replace(spec, image=empty.id)
        container = self.containers.create(self.manager, spec)
        self._install(container, solution, is_base=True)
        try:
            packages = start_and_list(self.manager, container)
        except EngineError as error:
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: the build container cannot be started: {error}",
                hint=f"check that comps group {self.settings.group} of the build tag brings bash and coreutils",
            ) from error
        self._check(packages, frozenset(package.nevra for package in solution.install))
        self._ask(self._image_request("base", key, solution, packages))
        return Buildroot(container=container, packages=packages, content=key, spec=spec)

    # BuildRequires

    def look_ahead(self, buildroot: Buildroot, requires: Sequence[str]) -> None:
        """Begin to look for what will probably be asked for, unless it seems to be there."""
        if not is_worth_it(requires, buildroot.packages):
            return
        self._ahead = SolvedAhead(requires)
        root = partial(self.manager.mount_root, buildroot.container)
        run = partial(self._ahead.run, self.solver, base_key=buildroot.content, root=root)
        self._ahead.ended = self.containers.first(run).result

    def install_requires(self, buildroot: Buildroot, requires: Sequence[str]) -> Buildroot:
        """The buildroot with `requires` added to what it has; its container may be another one afterwards.

        Unsolvable, InstallFailed. With the same `content` when nothing had to be installed.
        """
        if self._ahead is not None:
            self._ahead.finish(requires, self.solver.log)
            self._ahead = None
        container, wanted = buildroot.container, frozenset(requires)
        if wanted <= buildroot.satisfied:
            return buildroot
        solution = self.solver.requires(
            requires, base_key=buildroot.content, root=lambda: self.manager.mount_root(container)
        )
        self.journal.record(
            Phase.SOLVED, task=self.owner.task_id, container=container, packages=len(solution.install)
        )
        if not solution.install:
            return replace(buildroot, satisfied=buildroot.satisfied | wanted)
        satisfied = wanted if solution.remove else buildroot.satisfied | wanted
        before = {package.nevra for package in buildroot.packages}
        expected = frozenset(before - solution.remove | {package.nevra for package in solution.install})
        key = requires_key(buildroot.content, solution)
        found = self._taken_over(buildroot, key, expected) if buildroot.is_base else None
        if found is not None:
            self._used(key, "requires", solution, hit=True)
            return replace(found, satisfied=satisfied)
        self._install(container, solution, is_base=False)
        packages = list_again(self.manager, container)
        self._check(packages, expected)
        if buildroot.is_base:
            self._count(buildroot.content, key, solution, packages)
        return replace(buildroot, packages=packages, content=key, is_base=False, satisfied=satisfied)

    def keep_requires(self) -> None:
        """Have an image made of the BuildRequires that this task had to install: they will be wanted again soon."""
        if self._wish is not None:
            self._ask(self._wish)
            self._wish = None

    @property
    def has_wish(self) -> bool:
        """Whether `keep_requires` would ask for an image."""
        return self._wish is not None

    def _taken_over(self, base: Buildroot, key: str, expected: frozenset[str]) -> Buildroot | None:
        buildroot = self._from_image(base.spec, key, expected, home_of=base.container)
        if buildroot is None:
            return None
        self.containers.release(base.container)
        return replace(buildroot, is_base=False)

    def _count(self, base: str, key: str, solution: Solution, packages: Sequence[InstalledPackage]) -> None:
        request = self._image_request("requires", key, solution, packages, base=base)
        built = UsageRecords(self.config.cache_dir).requires_built(
            key,
            tag_name=self.settings.tag_name,
            tag_id=self.settings.tag_id,
            repo_id=self.settings.repo_id,
            arch=self.settings.arch,
            group=self.settings.group,
            task_image=self.solver.task_image.id,
            packages=len(solution.install),
        )
        if built >= WORTH_AN_IMAGE:
            self._ask(request)
        else:
            self._wish = request

    # Both

    def _from_image(
        self, spec: ContainerSpec, key: str, expected: frozenset[str], *, home_of: str = ""
    ) -> Buildroot | None:
        """A started container of the image of `key`; None when there is none, or not of what its name says.

        With `home_of` it has the build user's home of that container.
        """
        image = find_image(self.manager, key)
        if image is None:
            return None
        spec = replace(spec, image=image.id)
        try:
            container = self.containers.create(self.manager, spec)
        except EngineError as error:
            if error.status != NOT_FOUND:
                raise
            # Removed since it was found.
            return None
        if home_of and not self._home_copied(home_of, container):
            return None
        try:
            packages = start_and_list(self.manager, container)
        except (EngineError, BuildrootFailed) as error:
            reason = str(error)
        else:
            reason = _difference(image, packages, expected)
            if not reason:
                self.journal.record(
                    Phase.IMAGE_READY, task=self.owner.task_id, container=container, key=key, image=image.id
                )
                return Buildroot(container=container, packages=packages, content=key, spec=spec)
        self.containers.remove(container)
        discard(self.manager, self.config, key, reason)
        return None

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
            last = f"; the last package that it began is {output.package}" if output.package else ""
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
        difference = _other_packages(packages, expected)
        if difference:
            raise BuildrootFailed(
                f"the buildroot of task {self.owner.task_id} is not what the solver chose: {difference}",
                hint="use a task image of the same distribution release as the build tag",
            )

    def _used(self, key: str, kind: Kind, solution: Solution, *, hit: bool) -> None:
        UsageRecords(self.config.cache_dir).used(
            key,
            kind=kind,
            tag_name=self.settings.tag_name,
            tag_id=self.settings.tag_id,
            repo_id=self.settings.repo_id,
            arch=self.settings.arch,
            group=self.settings.group,
            task_image=self.solver.task_image.id,
            packages=len(solution.install),
            hit=hit,
        )

    def _image_request(
        self,
        kind: Kind,
        key: str,
        solution: Solution,
        packages: Sequence[InstalledPackage],
        *,
        base: str = "",
    ) -> ImageRequest:
        return ImageRequest(
            kind=kind,
            key=key,
            base_key=base,
            task_image=self.solver.task_image.id,
            tag_name=self.settings.tag_name,
            repo_id=self.settings.repo_id,
            arch=self.settings.arch,
            group=self.settings.group,
            packages=solution.install,
            removed=solution.remove,
            contents=packages_digest(package.nevra for package in packages),
        )

    def _ask(self, request: ImageRequest) -> None:
        request.save(requests_directory(self.config))
        self.poke()


def _difference(image: ImageInfo, packages: Sequence[InstalledPackage], expected: frozenset[str]) -> str:
    return mismatch(image, packages) or _other_packages(packages, expected)


def _other_packages(packages: Sequence[InstalledPackage], expected: frozenset[str]) -> str:
    """How what rpm lists differs from what was solved, in a few names; empty when it does not."""
    listed = {package.nevra for package in packages}
    if len(listed) == len(packages) and listed == expected:
        return ""
    missing, surplus = sorted(expected - listed), sorted(listed - expected)
    named = [f"without {name}" for name in missing[:3]] + [f"with {name}" for name in surplus[:3]]
    count = len(missing) + len(surplus)
    return f"rpm lists other packages ({len(packages)}, {count} differ: {', '.join(named) or 'some twice'})"
