"""buildArch: a source package becomes the packages of one architecture.

The adapter owns the build container from its first step to its last; the hub's record of the buildroot goes through
its states beside it, because the hub wants the base set before the build and the whole set after it, also when the
build fails (kojid-facts 4.3, 4.4). BuildRequires are installed as mock does it: the source package is made in the
base root, and again after its BuildRequires were installed, until that changes nothing; then the dynamic ones.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import koji
import koji.tasks

from koji_adjutant.buildroot.ahead import RPMLIB
from koji_adjutant.buildroot.initializer import InstallFailed
from koji_adjutant.buildroot.settings import TOPDIR
from koji_adjutant.buildroot.solver import Unsolvable
from koji_adjutant.container.interface import ContainerManager, LogSink
from koji_adjutant.errors import BuildFailed, TaskFault, TaskTimeout
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import BuildrootAdapter, Prepared
from koji_adjutant.task_adapters.rpmbuild import (
    BUILT,
    DYNAMIC,
    MISSING,
    STATUS_PACKAGES,
    STATUS_TIMEOUT,
    run_script,
    take_packages,
    write_host_logs,
)

STATIC_ROUNDS = 10
DYNAMIC_ROUNDS = 10
BUILDREQS = ".buildreqs.nosrc.rpm"


@dataclass(kw_only=True)
class BuildArchAdapter(BuildrootAdapter):
    """One buildArch task. `result` is the list of files that were built, on disk below the work directory."""

    target: str
    """What rpmbuild is told to build for; `noarch` for a noarch task in a root of another arch."""
    expected: tuple[str, ...] = ()
    """What the uploaded source package asks for: that of the root will mostly ask for the same."""

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:  # noqa: ARG002
        """Build; BuildFailed in the words that Koji's users know when the package does not build."""
        with self.prepared(ctx, manager) as prepared:
            is_known = self.initializer.look_ahead(prepared.buildroot, self.expected)
            build = _Build(self, ctx, manager, prepared, missing=self.expected if is_known else ())
            with self._reported_when_it_fails(build, prepared):
                build.run()
            with build.results() as files:
                self._report(build, prepared)
            self.result = tuple(files)
            if self.initializer.has_wish and is_scratch(ctx):
                self.initializer.keep_requires()
        return BUILT

    @contextmanager
    def _reported_when_it_fails(self, build: "_Build", prepared: Prepared) -> Iterator[None]:
        """The hub gets the whole package set of a build that failed, too."""
        try:
            yield
        except TaskFault:
            # Logs that are as large as they may be take no more; that is not what the build failed for.
            with suppress(BuildFailed):
                self._report(build, prepared)
            self.initializer.keep_requires()
            raise

    def _report(self, build: "_Build", prepared: Prepared) -> None:
        self.record.update_list(prepared.origins.rows(build.buildroot.packages))
        write_host_logs(self.logs, build.buildroot.packages)


def digest(requires: Sequence[str]) -> str:
    """Of BuildRequires of which it is known whether they are there: the build script need not look."""
    lines = [f"{requirement}\n" for requirement in requires if not requirement.startswith(RPMLIB)]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else ""


def is_scratch(ctx: TaskContext) -> bool:
    """Whether the task belongs to a scratch build: only the request of its parent says so."""
    hub: Any = ctx.session
    try:
        parent = (hub.getTaskInfo(ctx.task_id) or {}).get("parent")
        info = hub.getTaskInfo(parent, request=True) if parent else None
    except koji.GenericError:
        # Only an image depends on it; whether the task is still ours, the next call says.
        return False
    if not info or info["method"] != "build":
        return False
    parameters: Any = cast("Any", koji.tasks.parse_task_params)("build", info["request"])
    return bool((parameters.get("opts") or {}).get("scratch"))


class _Build:
    """The steps of one build in its container."""

    def __init__(
        self,
        adapter: BuildArchAdapter,
        ctx: TaskContext,
        manager: ContainerManager,
        prepared: Prepared,
        *,
        missing: Sequence[str],
    ) -> None:
        """`missing` are BuildRequires of which some are known to be missing."""
        self.buildroot = prepared.buildroot
        self._adapter = adapter
        self._ctx = ctx
        self._manager = manager
        self._narrator = prepared.narrator
        self._missing = missing
        self._rounds_left = True

    def run(self) -> None:
        """Build; returns when there are packages, raises BuildFailed when there will be none."""
        status = self._install_static()
        if status == DYNAMIC:
            self._install_dynamic()
            status = self._script("binary", self._adapter.target, "ba")
        elif status == MISSING:
            status = self._script("binary", self._adapter.target, "bb")
        self._succeeded(status)

    @contextmanager
    def results(self) -> Iterator[list[Path]]:
        """The built files, copied out of the container while the caller does something else."""
        directory = self._ctx.workdir / "result"
        directory.mkdir()
        failed = self._message(BUILT, "build.log")
        copy = partial(take_packages, self._manager, self.buildroot.container, failed=failed)
        beside = self._adapter.initializer.containers.beside
        copies = [beside(partial(copy, f"{TOPDIR}/{name}", directory)) for name in ("RPMS", "SRPMS")]
        files: list[Path] = []
        yield files
        for copied in copies:
            files.extend(path for path in copied.result() if not path.name.endswith(BUILDREQS))

    def _script(self, *arguments: str) -> int:
        settings, container = self._adapter.settings, self.buildroot.container
        try:
            return run_script(self._ctx, self._manager, container, settings, self._narrator, *arguments)
        except TaskTimeout as error:
            hint = f"rpmbuild_timeout on the builder is {self._ctx.config.rpmbuild_timeout} seconds"
            raise TaskTimeout(self._message(STATUS_TIMEOUT, "build.log"), hint=hint) from error

    def _install_static(self) -> int:
        """Make the source package, and install what it misses, until that changes nothing; the last status."""
        target = self._adapter.target
        status = self._script("source", target, self._adapter.srpm.name, digest(self._missing))
        for _ in range(STATIC_ROUNDS):
            if status not in (MISSING, DYNAMIC) or not self._install():
                return status
            status = self._script("again", target, digest(self._narrator.requires))
        return status

    def _install_dynamic(self) -> None:
        for number in range(1, DYNAMIC_ROUNDS + 1):
            status = self._script("requires", self._adapter.target, str(number))
            if status == BUILT:
                return
            if status != MISSING:
                self._succeeded(status)
            if not self._install():
                return
        # The build asks once more, and fails if that is not there either.
        self._rounds_left = False

    def _install(self) -> bool:
        """Install what the build script has reported; whether that changed anything."""
        before = self.buildroot
        self._narrator.begin("installing BuildRequires")
        try:
            self.buildroot = self._adapter.initializer.install_requires(before, self._narrator.requires)
        except (Unsolvable, InstallFailed) as error:
            raise BuildFailed(self._message(STATUS_PACKAGES, "root.log"), hint=str(error)) from error
        finally:
            self._narrator.end()
        return self.buildroot.content != before.content

    def _succeeded(self, status: int) -> None:
        if status == BUILT:
            return
        rounds = "" if self._rounds_left else f", after {DYNAMIC_ROUNDS} rounds of dynamic BuildRequires"
        raise BuildFailed(
            self._message(self._narrator.status, self._narrator.log_of_failure),
            hint=f"{self._narrator.result or f'status {status}'} in the build{rounds}",
        )

    def _message(self, status: int, log: str) -> str:
        return (
            f"error building package (arch {self._adapter.target}), build exited with status {status}; "
            f"see {log} for more information"
        )
