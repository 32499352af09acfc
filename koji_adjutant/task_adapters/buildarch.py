"""buildArch: a source package becomes the packages of one architecture.

The adapter owns the build container from its first step to its last, and says when the hub is to be told what is
installed: the base set before the build and the whole set after it, also when the build fails (kojid-facts 4.3, 4.4).
BuildRequires are installed as mock does it: the source package is made in the base root, and again after its
BuildRequires were installed, until that changes nothing; then the dynamic ones.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from koji_adjutant.buildroot.initializer import RPMLIB
from koji_adjutant.buildroot.install.solver import Unsolvable
from koji_adjutant.buildroot.roots import InstallFailed
from koji_adjutant.buildroot.settings import TOPDIR
from koji_adjutant.container.interface import ContainerManager, LogSink
from koji_adjutant.errors import BuildFailed, TaskFault, TaskTimeout
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import BuildrootAdapter, Prepared
from koji_adjutant.task_adapters.results import take_packages, write_host_logs
from koji_adjutant.task_adapters.rpmbuild import (
    BUILT,
    DYNAMIC,
    MISSING,
    STATUS_PACKAGES,
    STATUS_TIMEOUT,
    Scripts,
    stage_source,
)

STATIC_ROUNDS = 10
DYNAMIC_ROUNDS = 10
LACKING_NAMED = 10
BUILDREQS = ".buildreqs.nosrc.rpm"


@dataclass(kw_only=True)
class BuildArchAdapter(BuildrootAdapter):
    """One buildArch task. `result` is the list of files that were built, on disk below the work directory."""

    srpm: Path
    target: str
    """What rpmbuild is told to build for; `noarch` for a noarch task in a root of another arch."""
    expected: tuple[str, ...] = ()
    """What the uploaded source package asks for: that of the root will mostly ask for the same."""

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:  # noqa: ARG002
        """Build; BuildFailed in the words that Koji's users know when the package does not build."""
        with self.prepared(ctx, manager, partial(stage_source, self.srpm)) as prepared:
            is_known = self.place.initializer.look_ahead(prepared.buildroot, self.expected)
            build = _Build(self, ctx, manager, prepared, missing=self.expected if is_known else ())
            with self._reported_when_it_fails(build):
                build.run()
            with build.results() as files:
                self._report(build)
            self.result = tuple(files)
        return BUILT

    @contextmanager
    def _reported_when_it_fails(self, build: "_Build") -> Iterator[None]:
        """The hub gets the whole package set of a build that failed, too."""
        try:
            yield
        except TaskFault:
            # Logs that are as large as they may be take no more; that is not what the build failed for.
            with suppress(BuildFailed):
                self._report(build)
            self.place.initializer.request_image()
            raise

    def _report(self, build: "_Build") -> None:
        self.place.report.whole(build.buildroot.packages)
        write_host_logs(self.place.logs, build.buildroot.packages)


def digest(requires: Sequence[str]) -> str:
    """Of BuildRequires of which it is known whether they are there: the build script need not look."""
    lines = [f"{requirement}\n" for requirement in requires if not requirement.startswith(RPMLIB)]
    return hashlib.sha256("".join(lines).encode()).hexdigest() if lines else ""


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
        self._scripts = Scripts(
            ctx=ctx, manager=manager, settings=adapter.place.settings, narrator=prepared.narrator
        )
        self._missing = missing
        self._rounds_left = True

    def run(self) -> None:
        """Build; returns when there are packages, raises BuildFailed when there will be none."""
        status = self._install_static()
        if status == DYNAMIC:
            self._install_dynamic()
            status = self._script("binary", "ba")
        elif status == MISSING:
            status = self._script("binary", "bb")
        self._succeeded(status)

    @contextmanager
    def results(self) -> Iterator[list[Path]]:
        """The built files, copied out of the container while the caller does something else."""
        directory = self._ctx.workdir / "result"
        directory.mkdir()
        failed = self._message(BUILT, "build.log")
        copy = partial(take_packages, self._manager, self.buildroot.container, failed=failed)
        submit = self._adapter.place.initializer.containers.submit
        copies = [submit(partial(copy, f"{TOPDIR}/{name}", directory)) for name in ("RPMS", "SRPMS")]
        files: list[Path] = []
        yield files
        for copied in copies:
            files.extend(path for path in copied.result() if not path.name.endswith(BUILDREQS))

    def _script(self, action: str, *arguments: str) -> int:
        try:
            return self._scripts.run(self.buildroot.container, action, self._adapter.target, *arguments)
        except TaskTimeout as error:
            hint = f"rpmbuild_timeout on the builder is {self._ctx.config.rpmbuild_timeout} seconds"
            raise TaskTimeout(self._message(STATUS_TIMEOUT, "build.log"), hint=hint) from error

    def _install_static(self) -> int:
        """Make the source package, and install what it misses, until that changes nothing; the last status."""
        status = self._script("source", self._adapter.srpm.name, digest(self._missing))
        for number in range(1, STATIC_ROUNDS + 1):
            # As mock, which installs what the last source package asks for, and makes no other.
            if status not in (MISSING, DYNAMIC) or not self._install() or number == STATIC_ROUNDS:
                return status
            status = self._script("again", digest(self._narrator.requires))
        return status

    def _install_dynamic(self) -> None:
        for number in range(1, DYNAMIC_ROUNDS + 1):
            status = self._script("requires", str(number))
            if status == BUILT:
                return
            if status != MISSING:
                self._succeeded(status)
            if not self._install():
                return
        # The build asks once more, and fails if that is not there either.
        self._rounds_left = False

    def _install(self) -> bool:
        """Install what the last script has reported; whether that changed anything."""
        before = self.buildroot
        self._narrator.begin("installing BuildRequires")
        try:
            self.buildroot = self._adapter.place.initializer.install_requires(before, self._narrator.requires)
        except (Unsolvable, InstallFailed) as error:
            raise BuildFailed(self._message(STATUS_PACKAGES, "root.log"), hint=str(error)) from error
        finally:
            self._narrator.end()
        if self.buildroot.content == before.content:
            return False
        self._adapter.place.note_ready(self.buildroot)
        return True

    def _succeeded(self, status: int) -> None:
        if status == BUILT:
            return
        if self._narrator.lacking:
            raise BuildFailed(
                self._message(self._narrator.status, self._narrator.log_of_failure),
                hint=f"rpmbuild does not find {', '.join(self._narrator.lacking[:LACKING_NAMED])}, "
                "and the package manager has nothing to install for it",
            )
        rounds = "" if self._rounds_left else f", after {DYNAMIC_ROUNDS} rounds of dynamic BuildRequires"
        raise BuildFailed(
            self._message(self._narrator.status, self._narrator.log_of_failure),
            hint=f"{self._narrator.result or f'status {status}'} in {self._narrator.place_of_failure}{rounds}",
        )

    def _message(self, status: int, log: str) -> str:
        return (
            f"error building package (arch {self._adapter.target}), build exited with status {status}; "
            f"see {log} for more information"
        )
