"""buildSRPMFromSCM: what the buildroot makes of a checkout (kojid-facts 4.8).

The checkout is made while the root is, unless a plugin is to be asked before. What the root is given of it is chosen
here on the host; from then on everything is the package's, and runs as the build user. The hub gets the base set only.

What fetches sources may have more than what makes the package of them: credentials, or a network. Then it has a
container of its own, and what it has left in the build user's home goes into another one of the same root.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from koji_adjutant.buildroot.settings import HOME, TOPDIR
from koji_adjutant.config.autospec import AutospecPlan
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink, VolumeMount
from koji_adjutant.errors import BuildFailed, EngineError, TaskTimeout
from koji_adjutant.policy.scm_address import ScmKind
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.buildroot_adapter import BuildrootAdapter, Prepared
from koji_adjutant.task_adapters.results import take_packages, write_host_logs
from koji_adjutant.task_adapters.rpmbuild import AUTOSPEC, BUILT, ROOT_LOG, STATUS_TIMEOUT, Scripts
from koji_adjutant.task_adapters.sources.autospec import AutospecStep
from koji_adjutant.task_adapters.sources.checkout import COMMON, LOG, TREE, CheckedOut, CheckoutAdapter
from koji_adjutant.task_adapters.sources.git_dir import (
    callback_environment,
    head_commit,
    make_harmless,
    refuse_repositories,
)
from koji_adjutant.task_adapters.sources.mirror import Mirrors
from koji_adjutant.task_adapters.sources.spec_file import check_spec, find_spec

TARGET = "noarch"
CREDENTIALS = "/credentials"
SRPM, SOURCES = "building srpm", "retrieving sources"


class CheckoutPlugins(Protocol):
    """The plugins that are to be asked about a checkout."""

    @property
    def is_asked_before(self) -> bool:
        """Whether there is one before which nothing may be checked out."""

    @property
    def is_asked_after(self) -> bool:
        """Whether there is one that looks at what was checked out."""

    def before(self) -> None:
        """Nothing was checked out yet."""

    def after(self, checkout: CheckedOut) -> None:
        """All of it lies there, and may still be changed."""


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """How the sources are fetched that are not checked out."""

    command: Sequence[str] = ()
    """Empty where there are none."""
    mounts: tuple[VolumeMount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Files of the site's, by path below `CREDENTIALS`: nothing but fetching may see any of them."""


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A checkout, as the build container has it."""

    commit: str
    directory: str
    """The module's."""
    spec: str
    """The spec file, below that."""


@dataclass(kw_only=True)
class SourcePackageAdapter(BuildrootAdapter):
    """One buildSRPMFromSCM task. `result` are the source packages that were made, on disk; `staged` what of."""

    checkout: CheckoutAdapter
    fetching: Fetching
    network: str
    """Of what makes the package."""
    autospec: AutospecPlan | None
    plugins: CheckoutPlugins
    staged: Staged | None = None

    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:
        """The container in which the package is made."""
        return replace(super().build_spec(ctx, task_params), network=self.network)

    def fetching_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:
        """The container in which sources are fetched."""
        spec = super().build_spec(ctx, task_params)
        mounts = (*spec.mounts, *self.fetching.mounts)
        return replace(spec, mounts=mounts, home=CREDENTIALS, files=self.fetching.credentials)

    def first_spec(self, ctx: TaskContext) -> ContainerSpec:
        """The container that comes first, and may be the only one."""
        make = self.fetching_spec if self.fetching.command else self.build_spec
        return make(ctx, ctx.parameters)

    def is_split(self, ctx: TaskContext) -> bool:
        """Whether sources are fetched in a container that the package is not made in."""
        first = self.first_spec(ctx)
        is_private = bool(self.fetching.credentials) or first.network != self.network
        return bool(self.fetching.command) and is_private

    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:  # noqa: ARG002
        """Make the source package; BuildFailed when there will be none."""
        with ExitStack() as stack:
            begun = stack.enter_context(self._begun(ctx, manager))
            stage = partial(self._stage, ctx, manager, begun)
            prepared = stack.enter_context(self.prepared(ctx, manager, stage, spec=self.first_spec(ctx)))
            write_host_logs(self.place.logs, prepared.buildroot.packages)
            make = _Make(self, ctx, manager, prepared)
            make.run()
            directory = ctx.workdir / "result"
            directory.mkdir()
            container, failed = make.buildroot.container, _message(SRPM, BUILT, "build.log")
            self.result = take_packages(manager, container, f"{TOPDIR}/SRPMS", directory, failed=failed)
        return BUILT

    @contextmanager
    def _begun(self, ctx: TaskContext, manager: ContainerManager) -> Iterator[Future[CheckedOut] | None]:
        """The checkout, if it may begin at once; nothing of it is left when the context is."""
        if self.plugins.is_asked_before:
            yield None
            return
        begun = self.place.initializer.containers.submit(partial(self._check_out, ctx, manager))
        try:
            yield begun
        finally:
            self.checkout.end(ctx, manager, lambda seconds: bool(wait((begun,), seconds).done))

    def _check_out(self, ctx: TaskContext, manager: ContainerManager) -> CheckedOut:
        self.checkout.run(ctx, manager, self.place.logs.sink(LOG))
        assert self.checkout.result is not None
        return self.checkout.result

    def _stage(
        self, ctx: TaskContext, manager: ContainerManager, begun: Future[CheckedOut] | None, home: Path
    ) -> None:
        """Check out, if that was not begun, and put what is built from into the build user's home."""
        if begun is None:
            self.plugins.before()
            checkout = self._check_out(ctx, manager)
        else:
            checkout = begun.result()
        if self.plugins.is_asked_after:
            checkout = self._asked(checkout)
        with_layout = ctx.config.support_rpm_source_layout
        spec = find_spec(checkout.directory, checkout.tree, with_layout=with_layout)
        check_spec(spec)
        module = checkout.directory.relative_to(checkout.tree)
        self.staged = Staged(
            commit=checkout.commit,
            directory=f"{HOME}/{TREE}/{module}",
            spec=str(spec.relative_to(checkout.directory)),
        )
        checkout.tree.rename(home / TREE)
        if self.checkout.address.kind is ScmKind.GIT and not ctx.config.scm_on_host:
            self._leave_for_mirror(ctx, home / TREE)

    def _leave_for_mirror(self, ctx: TaskContext, tree: Path) -> None:
        """While the package is made: nobody waits for that."""
        address, image = self.checkout.address, self.checkout.image
        leave = partial(Mirrors(config=ctx.config).leave, address.url, tree / address.name, image)
        self.place.initializer.containers.submit(leave)

    def _asked(self, checkout: CheckedOut) -> CheckedOut:
        """The checkout after the plugins, which may run git in it, and change it."""
        address = self.checkout.address
        if address.kind is not ScmKind.GIT:
            refuse_repositories(checkout.tree)
            with callback_environment(checkout.tree):
                self.plugins.after(checkout)
            return checkout
        make_harmless(checkout.top, remote_url=address.url)
        if self.checkout.use_common:
            make_harmless(checkout.tree / COMMON, remote_url=address.common_url)
        with callback_environment(checkout.top):
            self.plugins.after(checkout)
        return replace(checkout, commit=head_commit(checkout.top))


class _Make:
    """The steps from a staged checkout to its source package."""

    def __init__(
        self, adapter: SourcePackageAdapter, ctx: TaskContext, manager: ContainerManager, prepared: Prepared
    ) -> None:
        assert adapter.staged is not None
        self.buildroot = prepared.buildroot
        self._adapter = adapter
        self._staged = adapter.staged
        self._ctx = ctx
        self._manager = manager
        self._narrator = prepared.narrator
        settings = adapter.place.settings
        self._scripts = Scripts(ctx=ctx, manager=manager, settings=settings, narrator=prepared.narrator)

    def run(self) -> None:
        """Make it; `buildroot` has it then."""
        adapter, ctx = self._adapter, self._ctx
        command, environment = adapter.fetching.command, adapter.fetching.environment
        is_split = adapter.is_split(ctx)
        if command and (is_split or environment):
            self._fetch(command, environment)
            command = ()
        if is_split:
            self._hand_on()
        layout = "yes" if ctx.config.support_rpm_source_layout else "no"
        history = "yes" if adapter.autospec else "no"
        status = self._script(
            "srpm",
            self._staged.directory,
            self._staged.spec,
            layout,
            history,
            *command,
            begins_in=ROOT_LOG if command else None,
        )
        if status == AUTOSPEC:
            status = self._with_history()
        self._check(status)

    def _fetch(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        settings = self._scripts.settings
        own = replace(settings, environment={**settings.environment, **environment})
        fetch = replace(self._scripts, settings=own)
        with self._timed(SOURCES, "root.log"):
            status = fetch.run(self.buildroot.container, "sources", TARGET, self._staged.directory, *command)
        self._check(status)

    def _hand_on(self) -> None:
        """Another container of the same root, with the same in the build user's home."""
        adapter, ctx, before = self._adapter, self._ctx, self.buildroot
        initializer = adapter.place.initializer
        self.buildroot = initializer.build_container(adapter.build_spec(ctx, ctx.parameters))
        try:
            limit = ctx.config.scm_tree_size
            self._manager.copy_across(before.container, HOME, self.buildroot.container, limit=limit)
        except EngineError as error:
            raise BuildFailed(
                _message(SOURCES, 1, "root.log"), hint=f"they cannot be handed on: {error}"
            ) from error
        initializer.containers.release(before.container)

    def _with_history(self) -> int:
        adapter, spec = self._adapter, Path(self._staged.spec).name
        assert adapter.autospec is not None
        step = AutospecStep(
            plan=adapter.autospec,
            scripts=self._scripts,
            files=self._manager,
            initializer=adapter.place.initializer,
        )
        with self._timed(SRPM, "build.log"):
            self.buildroot, status = step.run(self.buildroot, TARGET, spec)
        return self._script("laidout", spec) if status == BUILT else status

    def _script(self, action: str, *arguments: str, begins_in: str | None = None) -> int:
        with self._timed(SRPM, "build.log"):
            return self._scripts.run(
                self.buildroot.container, action, TARGET, *arguments, begins_in=begins_in
            )

    @contextmanager
    def _timed(self, what: str, log: str) -> Iterator[None]:
        try:
            yield
        except TaskTimeout as error:
            hint = f"rpmbuild_timeout on the builder is {self._ctx.config.rpmbuild_timeout} seconds"
            raise TaskTimeout(_message(what, STATUS_TIMEOUT, log), hint=hint) from error

    def _check(self, status: int) -> None:
        """BuildFailed, by the last word of a script, unless it has done its work."""
        if status != BUILT:
            said = self._narrator
            what = SOURCES if said.result.startswith("sources") else SRPM
            raise BuildFailed(_message(what, said.status, said.log_of_failure), hint=said.result)


def _message(what: str, status: int, log: str) -> str:
    return f"error {what}, build exited with status {status}; see {log} for more information"
