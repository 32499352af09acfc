"""The solver: finds out which packages a root needs.

A container of the task image, without network and without any capability, that sees the repo's metadata and the root
read-only and runs no code of any package. It is gone before the installer starts. What it found is kept: the same
question about the same metadata needs no container. The files of packages are fetched by the task's own process.
"""

import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.install.downloads import DownloadFailed
from koji_adjutant.buildroot.install.drivers import (
    COMMAND,
    DIRECTORY,
    driver,
    managers,
    program_digest,
    write_programs,
)
from koji_adjutant.buildroot.install.metadata_store import HeldMetadata, MetadataStore
from koji_adjutant.buildroot.install.repo_metadata import RepoMetadata, proxies
from koji_adjutant.buildroot.install.solutions import (
    PackageStore,
    Solution,
    SolutionCache,
    SolvedPackage,
    solution_key,
)
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container.interface import (
    ContainerManager,
    Containers,
    ContainerSpec,
    ImageInfo,
    LogSink,
    VolumeMount,
)
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.container.programs import TOOL_PATH
from koji_adjutant.errors import AdjutantError, BuildrootFailed, TaskTimeout
from koji_adjutant.policy.containers import NetworkUse, network_for, own_user

ROOT = "/buildroot"
METADATA = "/metadata"
SCRATCH = "/scratch"
UNSOLVABLE, UNUSABLE, LACKING = 3, 4, 5
ANSWER_LIMIT = 64 << 20
"""Bytes of answer that are taken: a hundred thousand packages."""
PROBLEM_LIMIT = 2000
MACHINES: Mapping[str, str] = {"i386": "i686", "armhfp": "armv7hl"}
"""What a machine calls itself, where that is not the canonical architecture."""


class Unsolvable(AdjutantError):
    """The repo cannot provide what was asked for; root.log says why."""


class ImageLacks(BuildrootFailed):
    """The task image does not have a package that the solver needs; nothing is wrong with the metadata."""


@dataclass(frozen=True, kw_only=True)
class SolverRun:
    """One use of the solver. `root` is the engine's path of the buildroot's root; "" for a root without packages."""

    settings: BuildrootSettings
    config: Config
    owner: Owner
    image: ImageInfo
    root: str
    install: Mapping[str, Any]
    scratch: Path
    """A directory of the task's, named like nothing else on the host."""
    metadata: HeldMetadata
    environment: Mapping[str, str]


def solver_spec(run: SolverRun) -> ContainerSpec:
    """The solver's container. Pure."""
    engine_path, scratch = run.config.engine_path, f"{SCRATCH}/{run.scratch.name}"
    root = [VolumeMount(source=run.root, target=ROOT, options=("rbind",))] if run.root else []
    return ContainerSpec(
        image=run.image.id,
        command=(*COMMAND, f"{scratch}/task.json"),
        labels={**run.config.container_labels, **run.owner.labels(Role.SOLVER)},
        environment={
            "PATH": TOOL_PATH,
            "HOME": SCRATCH,
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **run.environment,
        },
        user=own_user(run.config),
        mounts=(
            *root,
            VolumeMount(source=engine_path(run.metadata.directory), target=METADATA, options=("rbind",)),
            VolumeMount(source=engine_path(run.scratch), target=scratch, read_only=False),
        ),
        network=network_for(NetworkUse.SOLVE, run.config),
        label_disable=True,
    )


def solver_task(run: SolverRun) -> dict[str, Any]:
    """What scripts/solve.py has to know. Pure."""
    settings, scratch, metadata = run.settings, f"{SCRATCH}/{run.scratch.name}", run.metadata
    return {
        "metadata": METADATA,
        "solver_caches": f"{METADATA}/{metadata.solver_caches.name}" if metadata.has_caches else "",
        "root": ROOT if run.root else f"{scratch}/root",
        "scratch": scratch,
        "install": dict(run.install),
        **solving_options(settings),
    }


def solving_options(settings: BuildrootSettings) -> dict[str, Any]:
    """The settings that decide, with the metadata, what a solution is."""
    return {
        "arch": settings.forcearch or MACHINES.get(settings.arch, settings.arch),
        "releasever": settings.releasever,
        "module_hotfixes": bool(settings.module_hotfixes),
        "modules": settings.modules,
        "managers": managers(settings),
    }


def solve(run: SolverRun, manager: Containers, log: LogSink, own_log: LogSink | None = None) -> Solution:
    """What has to be installed. Unsolvable when the repo cannot give it; BuildrootFailed when it is unusable.

    What the package manager writes of its own goes to `own_log`, or to the end of `log`.
    """
    run.scratch.mkdir(parents=True)
    try:
        write_programs(run.scratch / DIRECTORY)
        (run.scratch / "task.json").write_text(json.dumps(solver_task(run)))
        code = _status(run, manager, log)
        keep_logs(run.scratch / "log", own_log or log)
        if code not in (0, UNSOLVABLE, UNUSABLE, LACKING):
            raise BuildrootFailed(
                f"the solver ended with status {code}; see root.log",
                hint=f"check image {run.image.reference}",
            )
        answer = read_answer(run.scratch / "answer.json")
        if code == LACKING:
            raise lacking(run, answer["problem"])
        if code != UNUSABLE:
            run.metadata.keep_caches(run.scratch / "cache")
    finally:
        shutil.rmtree(run.scratch, ignore_errors=True)
    repo = f"repo {run.settings.repo_id} of {run.settings.tag_name}"
    problem = " ".join(answer["problem"].split())[:PROBLEM_LIMIT]
    if code == UNSOLVABLE:
        raise Unsolvable(f"{repo} cannot provide what is needed: {problem}")
    if code == UNUSABLE:
        raise BuildrootFailed(
            f"the metadata of {repo} cannot be used: {problem}; see root.log",
            hint="regenerate the repo",
        )
    return Solution(
        install=tuple(SolvedPackage.from_json(row) for row in answer["install"]),
        remove=frozenset(answer["remove"]),
    )


def lacking(run: SolverRun, package: str) -> ImageLacks:
    """The package manager that is wanted cannot solve without `package`."""
    return ImageLacks(
        f"tag {run.settings.tag_name} is solved with {driver(run.settings)}, which needs {package}: task image "
        f"{run.image.reference} does not have it",
        hint=f"install {package} into the task image, choose another with adjutant_image_policy, or allow the other "
        "package manager with package_manager_fallback on the builder",
    )


def _status(run: SolverRun, manager: Containers, log: LogSink) -> int:
    limit = run.config.install_timeout
    try:
        return manager.run(solver_spec(run), log, timeout=limit)
    except TaskTimeout as error:
        raise BuildrootFailed(
            f"the solver did not end in {limit:g} seconds; see root.log",
            hint="install_timeout on the builder is the limit",
        ) from error


def read_answer(path: Path) -> dict[str, Any]:
    """The solver's answer, as scripts/solve.py writes it; BuildrootFailed when it is missing or too long."""
    try:
        with path.open("rb") as file:
            data = file.read(ANSWER_LIMIT + 1)
    except FileNotFoundError:
        raise BuildrootFailed("the solver left no answer; see root.log") from None
    if len(data) > ANSWER_LIMIT:
        raise BuildrootFailed(f"the solver's answer is over {ANSWER_LIMIT} bytes; see root.log")
    answer: dict[str, Any] = json.loads(data)
    return answer


def keep_logs(directory: Path, log: LogSink) -> None:
    """Append the log files that dnf has written in `directory` to `log`."""
    for name in ("dnf.log", "hawkey.log", "dnf5.log"):
        path = directory / name
        if path.is_file():
            with path.open("rb") as handle:
                while block := handle.read(1 << 16):
                    log.write("stdout", block)


@dataclass(frozen=True, kw_only=True)
class Solver:
    """All that one task needs to ask for packages; made once per task.

    A solution says what is to be installed, not that its files are here: `provide` brings them.
    """

    settings: BuildrootSettings
    config: Config
    owner: Owner
    task_image: ImageInfo
    manager: ContainerManager
    store: PackageStore
    metadata: RepoMetadata
    log: LogSink
    workdir: Path
    environment: Mapping[str, str]
    external_repos: Callable[[], Mapping[str, str]] = dict
    """The names of the tag's external repos, by URL; called when a message has to name one."""
    through_outages: Callable[[Callable[[], None]], None] = lambda call: call()
    """Makes a call, again while it fails because the hub's files are not available for the moment."""
    own_log: LogSink | None = None
    """For the package manager's own log; None: it is appended to `log`."""

    def group(self) -> Solution:
        """The install group into an empty root. Unsolvable, BuildrootFailed."""
        return self._found(self._group_key(), {"group": self.settings.group}, lambda: "")

    def cached_group(self) -> Solution | None:
        """The solution of the install group, if it was found before on this host."""
        return self._cache.get(self._group_key())

    def requires(self, requires: Sequence[str], *, base_key: str, root: Callable[[], str]) -> Solution:
        """What `requires` adds to a root whose content `base_key` tells; Unsolvable, BuildrootFailed.

        `root` gives the engine's path of the mounted root, and is called only if this was never solved before.
        """
        wanted = without_rpms_own(requires)
        if not wanted:
            return Solution(install=(), remove=frozenset())
        return self._found(self._key("requires", base_key, wanted), {"requires": wanted}, root)

    def cached_requires(self, requires: Sequence[str], *, base_key: str) -> Solution | None:
        """The solution of `requires` on a root with content `base_key`, if it was found before on this host."""
        return self._cache.get(self._key("requires", base_key, without_rpms_own(requires)))

    def provide(self, solution: Solution, directory: Path) -> None:
        """Put the files of `solution`, fetched as far as they are not here and all verified, into `directory`."""
        self.fetch(solution)
        self.store.link_verified(solution.install, directory)

    def fetch(self, solution: Solution) -> None:
        """Have all files of `solution`, verified, in the store. BuildrootFailed names one that is not available."""
        self.through_outages(lambda: self._fetch(solution))

    def _fetch(self, solution: Solution) -> None:
        try:
            self.store.fetch(solution.install, self.settings.baseurls, proxies(self.settings))
        except DownloadFailed as error:
            failed = error.download.checksum
            base = next((package.base for package in solution.install if package.checksum == failed), "")
            if not base:
                raise
            raise BuildrootFailed(
                f"external repo {self._external_name(base)}: {error.message}",
                hint="its packages have changed since the repo was made: regenerate the repo"
                if error.differs
                else error.hint,
            ) from error

    def _external_name(self, base: str) -> str:
        for url, name in self.external_repos().items():
            if base.rstrip("/").startswith(url.rstrip("/")):
                return f"{name} ({url})"
        return base

    @property
    def _cache(self) -> SolutionCache:
        return SolutionCache(self.config.cache_dir)

    def _group_key(self) -> str:
        return self._key("group", self.settings.group)

    def _key(self, *asked: object) -> str:
        settings = self.settings
        options = (settings.package_manager, solving_options(settings))
        return solution_key(
            program_digest(settings), self.metadata.digest, options, self.task_image.id, *asked
        )

    def _found(self, key: str, install: Mapping[str, Any], root: Callable[[], str]) -> Solution:
        known = self._cache.get(key)
        if known is not None:
            return known
        store = MetadataStore(self.config.cache_dir)
        try:
            program = program_digest(self.settings)
            with store.held(self.metadata, self.settings, self.task_image.id, program) as held:
                # Another task may have found it while this one waited.
                solution = self._cache.get(key)
                if solution is None:
                    solution = self._run(held, install, root())
                    self._cache.put(key, solution)
        except ImageLacks:
            raise
        except BuildrootFailed:
            store.discard(self.metadata)
            raise
        return solution

    def _run(self, held: HeldMetadata, install: Mapping[str, Any], root: str) -> Solution:
        run = SolverRun(
            settings=self.settings,
            config=self.config,
            owner=self.owner,
            image=self.task_image,
            root=root,
            install=install,
            scratch=self.workdir / f"solver-{self.owner.task_id}-{secrets.token_hex(4)}",
            metadata=held,
            environment=self.environment,
        )
        return solve(run, self.manager, self.log, self.own_log)


def without_rpms_own(requires: Sequence[str]) -> list[str]:
    """`requires` without duplicates, and without the capabilities that only rpm itself provides."""
    return list(dict.fromkeys(text for text in requires if not text.startswith("rpmlib(")))
