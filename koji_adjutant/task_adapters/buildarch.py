"""buildArch: a source package becomes the packages of one architecture.

The adapter owns the build container from its first step to its last; the hub's record of the buildroot goes through
its states beside it, because the hub wants the base set before the build and the whole set after it, also when the
build fails (kojid-facts 4.3, 4.4).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from koji_adjutant.buildroot.initializer import InstallFailed
from koji_adjutant.buildroot.settings import TOPDIR
from koji_adjutant.buildroot.solver import ROOT, Unsolvable
from koji_adjutant.container.interface import ContainerManager, LogSink
from koji_adjutant.errors import BuildFailed, TaskTimeout
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import BuildrootAdapter, Prepared
from koji_adjutant.task_adapters.rpmbuild import (
    BUILT,
    DYNAMIC,
    MISSING,
    STATUS_PACKAGES,
    STATUS_TIMEOUT,
    run_script,
    write_host_logs,
)

DYNAMIC_ROUNDS = 10
BUILDREQS = ".buildreqs.nosrc.rpm"
SAFE_NAME = re.compile(r"[\w+~^.-]+", re.ASCII)


@dataclass(kw_only=True)
class BuildArchAdapter(BuildrootAdapter):
    """One buildArch task. `result` is the list of files that were built, on disk below the work directory."""

    target: str
    """What rpmbuild is told to build for; `noarch` for a noarch task in a root of another arch."""

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:  # noqa: ARG002
        """Build; BuildFailed in the words that Koji's users know when the package does not build."""
        with self.prepared(ctx, manager) as prepared:
            build = _Build(self, ctx, manager, prepared)
            with self._reported(build, prepared):
                build.run()
            self.result = build.results()
        return BUILT

    @contextmanager
    def _reported(self, build: "_Build", prepared: Prepared) -> Iterator[None]:
        """Report the whole package set afterwards, also for a build that failed."""
        try:
            yield
        except BuildFailed:
            self._report(build, prepared)
            raise
        self._report(build, prepared)

    def _report(self, build: "_Build", prepared: Prepared) -> None:
        write_host_logs(self.logs, build.buildroot.packages)
        self.record.update_list(prepared.origins.rows(build.buildroot.packages))


class _Build:
    """The steps of one build in its container."""

    def __init__(
        self, adapter: BuildArchAdapter, ctx: TaskContext, manager: ContainerManager, prepared: Prepared
    ) -> None:
        self.buildroot = prepared.buildroot
        self._adapter = adapter
        self._ctx = ctx
        self._manager = manager
        self._narrator = prepared.narrator

    def run(self) -> None:
        """Build; returns when there are packages, raises BuildFailed when there will be none."""
        adapter = self._adapter
        status = self._script("source", adapter.target, adapter.srpm.name)
        if status == MISSING:
            self._install(self._source_package())
            status = self._script("binary", adapter.target, "bb")
        elif status == DYNAMIC:
            self._install(self._source_package())
            self._install_dynamic()
            status = self._script("binary", adapter.target, "ba")
        self._succeeded(status)

    def results(self) -> tuple[Path, ...]:
        """The built files, copied out of the container."""
        directory = self._ctx.workdir / "result"
        directory.mkdir()
        container = self.buildroot.container
        found = [
            path
            for name in ("RPMS", "SRPMS")
            for path in self._manager.copy_from(container, f"{TOPDIR}/{name}", directory)
        ]
        return tuple(path for path in found if not path.name.endswith(BUILDREQS))

    def _script(self, *arguments: str) -> int:
        settings, container = self._adapter.settings, self.buildroot.container
        try:
            return run_script(self._ctx, self._manager, container, settings, self._narrator, *arguments)
        except TaskTimeout as error:
            hint = f"rpmbuild_timeout on the builder is {self._ctx.config.rpmbuild_timeout} seconds"
            raise TaskTimeout(self._message(STATUS_TIMEOUT, "build.log"), hint=hint) from error

    def _install_dynamic(self) -> None:
        for number in range(1, DYNAMIC_ROUNDS + 1):
            status = self._script("requires", self._adapter.target, str(number))
            if status == BUILT:
                return
            if status != MISSING:
                self._succeeded(status)
            before = self.buildroot.packages
            self._install(self._source_package(BUILDREQS))
            if self.buildroot.packages == before:
                return
        raise BuildFailed(
            self._message(STATUS_PACKAGES, "root.log"),
            hint=f"its dynamic BuildRequires were not complete after {DYNAMIC_ROUNDS} rounds",
        )

    def _install(self, source: str) -> None:
        self._narrator.begin("installing BuildRequires")
        try:
            self.buildroot = self._adapter.initializer.install_requires(
                self.buildroot, {"source": f"{ROOT}{source}"}
            )
        except (Unsolvable, InstallFailed) as error:
            raise BuildFailed(self._message(STATUS_PACKAGES, "root.log"), hint=str(error)) from error
        finally:
            self._narrator.end()

    def _source_package(self, suffix: str = ".src.rpm") -> str:
        """Path, in the root, of the source package that the build script made last."""
        name = self._narrator.source
        if not SAFE_NAME.fullmatch(name) or not name.endswith(suffix):
            raise BuildFailed(
                self._message(1, "build.log"), hint=f"rpmbuild left no usable file *{suffix}: {name!r}"
            )
        return f"{TOPDIR}/SRPMS/{name}"

    def _succeeded(self, status: int) -> None:
        if status == BUILT:
            return
        raise BuildFailed(
            self._message(1, self._narrator.log_of_failure),
            hint=f"{self._narrator.result or f'status {status}'} in the build",
        )

    def _message(self, status: int, log: str) -> str:
        return (
            f"error building package (arch {self._adapter.target}), build exited with status {status}; "
            f"see {log} for more information"
        )
