"""From settings to a running build container whose root is the buildroot.

The root comes from an image of this key, or is populated from empty in the container that then becomes the build
container; in either case what rpm lists *inside* it must be what was solved, else the root is thrown away. The
container lives as long as the context of `build_container`.
"""

import dataclasses
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from koji_adjutant.buildroot.downloads import open_session
from koji_adjutant.buildroot.images import (
    EMPTY_IMAGE,
    PACKAGES_LABEL,
    ImageRequest,
    base_key,
    find_image,
    packages_digest,
    requests_directory,
)
from koji_adjutant.buildroot.installer import InstallerRun, install
from koji_adjutant.buildroot.package_store import PackageStore, Solution
from koji_adjutant.buildroot.packages import QUERY_FORMAT, InstalledPackage, parse_installed
from koji_adjutant.buildroot.repo_metadata import read_metadata
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.buildroot.solver import Solver, Unsolvable
from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, ImageInfo, LogSink, Stream
from koji_adjutant.container.labels import Owner
from koji_adjutant.errors import BuildrootFailed, EngineError
from koji_adjutant.journal import Journal, Phase

LISTING_LIMIT = 64 << 20
NOT_FOUND = 404
NOT_INITIALIZED = "could not init buildroot"


@dataclass(frozen=True, kw_only=True)
class Buildroot:
    """A running build container and what is installed in it."""

    container: str
    packages: tuple[InstalledPackage, ...]


class InstallFailed(BuildrootFailed):
    """rpm could not install what had been solved; root.log says why."""


class _Listing:
    """Output that is data, up to a limit."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.said = bytearray()

    def write(self, stream: Stream, data: bytes) -> None:
        kept = self.data if stream == "stdout" else self.said
        kept += data
        if len(kept) > LISTING_LIMIT:
            raise BuildrootFailed(f"Can't get list of installed rpms: it is over {LISTING_LIMIT} bytes")


class Poke(Protocol):
    """Tells the daemon that there is something new to see."""

    def __call__(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class BuildrootInitializer:
    """Makes the buildroot of one task. `workdir` is the task's."""

    settings: BuildrootSettings
    config: Config
    owner: Owner
    task_image: ImageInfo
    manager: ContainerManager
    store: PackageStore
    log: LogSink
    journal: Journal
    workdir: Path
    environment: Mapping[str, str]
    poke: Poke

    @contextmanager
    def build_container(self, spec: ContainerSpec) -> Iterator[Buildroot]:
        """A started container of `spec` with a complete root; its image is chosen here."""
        empty = self.manager.import_empty_image(EMPTY_IMAGE)
        with ExitStack() as stack, ExitStack() as unpopulated:
            container = unpopulated.enter_context(
                self.manager.created(dataclasses.replace(spec, image=empty.id))
            )
            solution = self._solved(container, {"group": self.settings.group}, is_base=True)
            key = base_key(self.settings, self.task_image, solution)
            buildroot = self._from_image(stack, spec, key)
            if buildroot is None:
                buildroot = self._populated(container, solution, key)
            else:
                unpopulated.close()
            yield buildroot

    def _from_image(self, stack: ExitStack, spec: ContainerSpec, key: str) -> Buildroot | None:
        image = find_image(self.manager, key)
        if image is None:
            return None
        try:
            container = stack.enter_context(self.manager.running(dataclasses.replace(spec, image=image.id)))
        except EngineError as error:
            if error.status != NOT_FOUND:
                raise
            # Superseded and removed since it was found.
            return None
        self.journal.record(Phase.IMAGE_READY, task=self.owner.task_id, key=key, image=image.id)
        return self._checked(container, image.labels.get(PACKAGES_LABEL, ""))

    def _populated(self, container: str, solution: Solution, key: str) -> Buildroot:
        self._install(container, solution, is_base=True)
        self._start(container)
        buildroot = self._checked(container, packages_digest(package.nevra for package in solution.install))
        self._request_image(key, solution)
        return buildroot

    def _start(self, container: str) -> None:
        try:
            self.manager.start(container)
        except EngineError as error:
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: the build container cannot be started: {error}",
                hint=f"check that comps group {self.settings.group} of the build tag brings bash and coreutils",
            ) from error

    def install_requires(self, buildroot: Buildroot, install: Mapping[str, Any]) -> Buildroot:
        """The buildroot with what `install` asks for added to its root. Unsolvable, InstallFailed."""
        before = {package.nevra for package in buildroot.packages}
        solution = self._solved(buildroot.container, install, is_base=False)
        if not solution.install:
            return buildroot
        self._install(buildroot.container, solution, is_base=False)
        expected = before - solution.remove | {package.nevra for package in solution.install}
        return self._checked(buildroot.container, packages_digest(expected))

    def installed(self, container: str) -> tuple[InstalledPackage, ...]:
        """What rpm inside the container lists."""
        listing = _Listing()
        argv = ("rpm", "-qa", "--qf", QUERY_FORMAT)
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/", "LANG": "C.UTF-8"}
        status = self.manager.exec(container, argv, listing, environment=environment, user="0:0")
        if status:
            said = listing.said.decode(errors="replace").strip()
            raise BuildrootFailed(f"Can't get list of installed rpms: rpm ended with {status}: {said}")
        return parse_installed(listing.data.decode())

    def _solved(self, container: str, install: Mapping[str, Any], *, is_base: bool) -> Solution:
        root = self.manager.mount_root(container)
        try:
            solution = self._solve(root, install)
        except Unsolvable as error:
            if not is_base:
                raise
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: {error}; see root.log for more information",
                hint=f"check that comps group {self.settings.group} of the build tag names packages it has",
            ) from error
        self.journal.record(
            Phase.SOLVED, task=self.owner.task_id, container=container, packages=len(solution.install)
        )
        if is_base and not solution.install:
            raise BuildrootFailed(
                f"{NOT_INITIALIZED}: comps group {self.settings.group} of tag {self.settings.tag_name} is empty",
                hint="add packages to the group, and regenerate the repo",
            )
        return solution

    def _install(self, container: str, solution: Solution, *, is_base: bool) -> None:
        self._run_installer(self.manager.mount_root(container), solution, is_base=is_base)
        self.journal.record(Phase.POPULATED, task=self.owner.task_id, container=container)

    def _solve(self, root: str, install: Mapping[str, Any]) -> Solution:
        if "group" in install:
            return self.solver.group()
        return self.solver.source(install["source"], root=root)

    @cached_property
    def solver(self) -> Solver:
        """What the task asks for packages."""
        with open_session() as http:
            metadata = read_metadata(self.settings, http)
        return Solver(
            settings=self.settings,
            config=self.config,
            owner=self.owner,
            task_image=self.task_image,
            manager=self.manager,
            store=self.store,
            metadata=metadata,
            log=self.log,
            workdir=self.workdir,
            environment=self.environment,
        )

    def _run_installer(self, root: str, solution: Solution, *, is_base: bool) -> None:
        packages = self.workdir / f"install-{secrets.token_hex(4)}"
        self.solver.provide(solution, packages)
        run = InstallerRun(
            config=self.config,
            owner=self.owner,
            image=self.task_image.id,
            root=root,
            packages=packages,
            is_base=is_base,
        )
        try:
            status = install(run, self.manager, self.log)
        finally:
            shutil.rmtree(packages)
        if status:
            raise InstallFailed(
                f"{NOT_INITIALIZED}: rpm ended with status {status}; see root.log for more information"
            )

    def _checked(self, container: str, expected: str) -> Buildroot:
        packages = self.installed(container)
        if packages_digest(package.nevra for package in packages) != expected:
            raise BuildrootFailed(
                f"rpm in the buildroot of task {self.owner.task_id} lists other packages ({len(packages)} of them) "
                f"than the solver chose",
                hint="use a task image of the same distribution release as the build tag",
            )
        return Buildroot(container=container, packages=packages)

    def _request_image(self, key: str, solution: Solution) -> None:
        request = ImageRequest(
            key=key,
            task_image=self.task_image.id,
            tag_name=self.settings.tag_name,
            repo_id=self.settings.repo_id,
            arch=self.settings.arch,
            group=self.settings.group,
            packages=solution.install,
            contents=packages_digest(package.nevra for package in solution.install),
        )
        request.save(requests_directory(self.config))
        self.poke()
