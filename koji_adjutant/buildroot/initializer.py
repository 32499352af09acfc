"""From settings to a running build container whose root is the buildroot.

What belongs into the root is known before there is one: the solution of the install group in the task's own repo,
found before on this host or now. The root comes from an image of exactly that, or is populated from empty in the
container that then becomes the build container. BuildRequires are added to that root, or, where an image has them
already, a container of that image takes over the build user's home. What is wanted again soon and has no image gets
one: a request for it is left for the daemon.

BuildRequires are looked for before they are asked for. The source package that a root makes mostly asks for what the
uploaded one asked for. So that is solved beside the first commands of a build, and fetched, or, where an image has it,
a container of that image is started. Nothing depends on the outcome: whoever asks waits for the end, and asks then as
if there had been nothing. A look ahead reads the root of the build container, which must neither change nor go before
the end.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Protocol

from koji_adjutant.buildroot.images.keys import (
    base_key,
    image_name,
    requires_key,
)
from koji_adjutant.buildroot.images.requests import ImageRequest, ask_for_image
from koji_adjutant.buildroot.images.usage import Kind, RootUse, UsageRecords
from koji_adjutant.buildroot.install.solutions import Solution
from koji_adjutant.buildroot.install.solver import Solver, Unsolvable
from koji_adjutant.buildroot.packages import InstalledPackage
from koji_adjutant.buildroot.roots import NOT_INITIALIZED, Buildroot, Roots
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.buildroot.task_containers import TaskContainers
from koji_adjutant.container.interface import ContainerSpec, LogSink, Stream
from koji_adjutant.errors import AdjutantError, BuildrootFailed
from koji_adjutant.journal.phases import Journal, Phase
from koji_adjutant.journal.use import Root

KEPT = 1 << 20
RPMLIB = "rpmlib("
WORTH_AN_IMAGE = 2
"""How often within a day a set of BuildRequires is installed before it gets an image."""
TITLES: dict[Kind, str] = {"base": "install group", "requires": "BuildRequires"}

logger = logging.getLogger("koji.adjutant.buildroot")


class KeptOutput:
    """What the solver says, for whoever it turns out to be for."""

    def __init__(self) -> None:
        self._pieces: list[tuple[Stream, bytes]] = []
        self._size = 0

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep one piece of output, up to a limit."""
        self._size += len(data)
        if self._size <= KEPT:
            self._pieces.append((stream, data))

    def pass_on(self, log: LogSink) -> None:
        """Write all that was kept to `log`."""
        for stream, data in self._pieces:
            log.write(stream, data)


@dataclass(frozen=True, kw_only=True)
class LookAhead:
    """What a look ahead has found: for which requirements, what the solver said, and a container that has them, or
    their packages on the way to this host."""

    requires: tuple[str, ...]
    output: KeptOutput
    fetching: Future[None] | None
    buildroot: Buildroot | None

    def settle(self, requires: Sequence[str], log: LogSink) -> None:
        """Requirements are asked for: when they are those of the look ahead, its output goes to `log`, and its
        packages are waited for. What cannot be fetched is said when they are asked for again."""
        if self.requires == tuple(requires):
            self.output.pass_on(log)
            wait([self.fetching] if self.fetching else [])


def is_worth_it(requires: Sequence[str], installed: Sequence[InstalledPackage]) -> bool:
    """Whether it looks as if something has to be installed: by the names of packages alone."""
    names = {package.name for package in installed}
    asked = (requirement.split()[0] for requirement in requires if not requirement.startswith(RPMLIB))
    return any(name not in names for name in asked)


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
    _look_ahead: Future[LookAhead] | None = None
    _request: ImageRequest | None = None
    """Of the set of BuildRequires that was installed, while it has no image and nobody has asked for one."""

    @cached_property
    def roots(self) -> Roots:
        """What makes the root of each container."""
        return Roots(solver=self.solver, containers=self.containers, journal=self.journal)

    @property
    def settings(self) -> BuildrootSettings:
        return self.solver.settings

    @property
    def task_id(self) -> int | None:
        return self.solver.owner.task_id

    # The install group

    def build_container(self, spec: ContainerSpec) -> Buildroot:
        """A started container of `spec` with a complete root; its image is chosen here."""
        solution = self._solved_group()
        key = base_key(self.settings, self.solver.task_image, solution)
        expected = frozenset(package.nevra for package in solution.install)
        found = self.roots.from_image(spec, key, expected)
        self._note_use(key, "base", solution, hit=found is not None)
        if found is not None:
            return found
        populated = self.roots.populated(spec, key, solution)
        self._ask_for(ImageRequest.of_base(key, self.settings, self.solver.task_image, solution))
        return populated

    def _solved_group(self) -> Solution:
        group, tag = self.settings.group, self.settings.tag_name
        try:
            solution = self.solver.group()
        except Unsolvable as error:
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: {error}; see root.log for more information",
                hint=f"check that comps group {group} of the build tag names packages it has",
            ) from error
        self.journal.record(Phase.SOLVED, task=self.task_id, packages=len(solution.install))
        if not solution.install:
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: comps group {group} of tag {tag} is empty",
                hint="add packages to the group, and regenerate the repo",
            )
        return solution

    # BuildRequires

    def look_ahead(self, base: Buildroot, requires: Sequence[str]) -> bool:
        """Begin to look for what will probably be asked for; whether some of it is known to be missing."""
        if not is_worth_it(requires, base.packages):
            return False
        known = self.solver.cached_requires(requires, base_key=base.content)
        prefetch = partial(self._prefetch, base, tuple(requires))
        self._look_ahead = self.containers.submit_before_removal(prefetch)
        return known is not None and known.changes

    def _prefetch(self, base: Buildroot, requires: tuple[str, ...]) -> LookAhead:
        output = KeptOutput()
        solver = replace(self.solver, log=output)
        found = fetching = None
        try:
            root = partial(self.solver.manager.mount_root, base.container)
            solution = solver.requires(requires, base_key=base.content, root=root)
            if solution.changes:
                found = self.roots.from_image(base.spec, *self._added(base, solution))
            if found is None:
                # Longer than the root may be held for it.
                fetching = self.containers.submit(partial(solver.fetch, solution))
        except AdjutantError as error:
            logger.info("task %s: no look ahead at its BuildRequires: %s", self.task_id, error)
        return LookAhead(requires=requires, output=output, fetching=fetching, buildroot=found)

    def _take_prefetched(self, requires: Sequence[str]) -> Buildroot | None:
        """The container that the look ahead has started, once it has ended."""
        if self._look_ahead is None:
            return None
        found, self._look_ahead = self._look_ahead.result(), None
        found.settle(requires, self.solver.log)
        return found.buildroot

    def install_requires(self, buildroot: Buildroot, requires: Sequence[str]) -> Buildroot:
        """The buildroot with `requires` added to what it has; its container may be another one afterwards.

        Unsolvable, InstallFailed. With the same `content` when nothing had to be installed.
        """
        prefetched = self._take_prefetched(requires)
        container, wanted = buildroot.container, frozenset(requires)
        if wanted <= buildroot.satisfied:
            return buildroot
        root = partial(self.solver.manager.mount_root, container)
        solution = self.solver.requires(requires, base_key=buildroot.content, root=root)
        self.journal.record(
            Phase.SOLVED, task=self.task_id, container=container, packages=len(solution.install)
        )
        if not solution.changes:
            return replace(buildroot, satisfied=buildroot.satisfied | wanted)
        satisfied = wanted if solution.remove else buildroot.satisfied | wanted
        key, expected = self._added(buildroot, solution)
        found = self._taken_over(buildroot, key, expected, prefetched) if buildroot.is_base else None
        if found is not None:
            self._note_use(key, "requires", solution, hit=True)
            return replace(found, satisfied=satisfied)
        extended = self.roots.extended(buildroot, key, solution, expected)
        if buildroot.is_base:
            self._count(buildroot.content, key, solution, extended.packages)
        return replace(extended, satisfied=satisfied)

    def _added(self, buildroot: Buildroot, solution: Solution) -> tuple[str, frozenset[str]]:
        """Key and packages of the root that the buildroot becomes with a solution."""
        before = {package.nevra for package in buildroot.packages}
        after = before - solution.remove | {package.nevra for package in solution.install}
        return requires_key(buildroot.content, solution), frozenset(after)

    def _taken_over(
        self, base: Buildroot, key: str, expected: frozenset[str], prefetched: Buildroot | None
    ) -> Buildroot | None:
        """A container of the image of `key`, with the build user's home; the base's goes."""
        if prefetched is not None and prefetched.content != key:
            self.containers.release(prefetched.container)
            prefetched = None
        found = prefetched or self.roots.from_image(base.spec, key, expected)
        if found is None or not self.roots.hand_on_home(base.container, found.container):
            return None
        self.containers.release(base.container)
        return replace(found, is_base=False, root=Root.DEPS_HIT)

    # Images, for later tasks

    def request_image(self) -> None:
        """Have an image made of the BuildRequires that this task had to install: they will be wanted again soon."""
        if self._request is not None:
            self._ask_for(self._request)
            self._request = None

    @property
    def has_request(self) -> bool:
        """Whether `request_image` would ask for an image."""
        return self._request is not None

    def _count(self, base: str, key: str, solution: Solution, packages: Sequence[InstalledPackage]) -> None:
        of_base = ImageRequest.of_base(base, self.settings, self.solver.task_image, solution)
        request = of_base.with_requires(key, solution, packages)
        built = UsageRecords(self.solver.config.cache_dir).requires_built(
            key, self._use("requires", solution)
        )
        if built >= WORTH_AN_IMAGE:
            self._ask_for(request)
        else:
            self._request = request

    def _note_use(self, key: str, kind: Kind, solution: Solution, *, hit: bool) -> None:
        UsageRecords(self.solver.config.cache_dir).used(key, self._use(kind, solution), hit=hit)
        if hit:
            self.solver.log.write("stdout", came_with(image_name(key), kind, solution))

    def _use(self, kind: Kind, solution: Solution) -> RootUse:
        return RootUse.of(self.settings, kind, self.solver.task_image.id, len(solution.install))

    def _ask_for(self, request: ImageRequest) -> None:
        ask_for_image(request, self.solver.config, self.journal, self.task_id)
        self.poke()


def came_with(image: str, kind: Kind, solution: Solution) -> bytes:
    """What root.log says of packages that came with an image, as the solver writes them: a title, a line for each.

    The log is read by people and by tools, and a build whose root was there before has one like any other. Pure.
    """
    lines = [
        f"{TITLES[kind]}: {len(solution.install)} packages, from image {image}",
        *(f"{'Install':10} {package.nevra}" for package in solution.install),
        *(f"{'Remove':10} {name}" for name in sorted(solution.remove)),
    ]
    return "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
