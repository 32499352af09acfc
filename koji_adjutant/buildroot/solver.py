"""The solver: finds out which packages a root needs and brings them into the package store.

A container of the task image, with network and without any capability, that sees the root read-only and runs no
code of any package. It is gone before the installer starts.
"""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from koji_adjutant.buildroot.package_store import PackageStore, Solution, SolvedPackage
from koji_adjutant.buildroot.repo_metadata import RepoMetadata
from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.buildroot.solutions import SolutionCache, solution_key
from koji_adjutant.config import Config
from koji_adjutant.container.interface import (
    ContainerManager,
    ContainerSpec,
    ImageInfo,
    LogSink,
    Stream,
    VolumeMount,
)
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.errors import AdjutantError, BuildrootFailed
from koji_adjutant.policy.network import NetworkUse, network_for

SCRIPT = Path(__file__).with_name("scripts") / "solve.py"
ROOT = "/buildroot"
CACHE = "/cache"
SCRATCH = "/scratch"
UNSOLVABLE, UNFETCHED = 3, 4
ANSWER_LIMIT = 64 << 20
"""Bytes of answer that are taken: a hundred thousand packages."""
REASON_LIMIT = 400


class Unsolvable(AdjutantError):
    """What was asked for cannot be had from the repo; root.log says why."""


@dataclass(frozen=True, kw_only=True)
class SolverRun:
    """One use of the solver. `root` is the engine's path of the buildroot's root; empty for an empty root."""

    settings: BuildrootSettings
    config: Config
    owner: Owner
    image: str
    root: str
    install: Mapping[str, Any]
    scratch: Path
    """An empty directory of the task's, named like nothing else on the host."""
    environment: Mapping[str, str]


class AnswerSink:
    """Keeps what the solver prints, up to a limit, and passes on what it says."""

    def __init__(self, log: LogSink) -> None:
        self.answer = bytearray()
        self._said = b""
        self._log = log

    def write(self, stream: Stream, data: bytes) -> None:
        """Take one piece of output."""
        if stream == "stderr":
            self._log.write(stream, data)
            self._said = (self._said + data)[:REASON_LIMIT]
            return
        self.answer += data
        if len(self.answer) > ANSWER_LIMIT:
            raise BuildrootFailed(f"the solver's answer is over {ANSWER_LIMIT} bytes; see root.log")

    @property
    def reason(self) -> str:
        """The beginning of what it said, on one line."""
        return " ".join(self._said.decode(errors="replace").split())


def solver_spec(run: SolverRun, store: Path) -> ContainerSpec:
    """The solver's container. Pure."""
    engine_path = run.config.engine_path
    return ContainerSpec(
        image=run.image,
        command=(
            "/usr/bin/python3",
            "-c",
            SCRIPT.read_text(),
            json.dumps(solver_task(run)),
        ),
        labels={**run.config.container_labels, **run.owner.labels(Role.SOLVER)},
        environment={
            "PATH": "/usr/bin:/usr/sbin",
            "HOME": SCRATCH,
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            **run.environment,
        },
        user=f"{os.getuid()}:{os.getgid()}",
        mounts=(
            *([VolumeMount(source=run.root, target=ROOT, options=("rbind",))] if run.root else []),
            VolumeMount(source=engine_path(store), target=CACHE, read_only=False, options=("rbind",)),
            VolumeMount(
                source=engine_path(run.scratch), target=f"{SCRATCH}/{run.scratch.name}", read_only=False
            ),
        ),
        network=network_for(NetworkUse.SOLVE, run.config),
        label_disable=True,
    )


def solver_task(run: SolverRun) -> dict[str, Any]:
    """The argument of scripts/solve.py. Pure."""
    settings, scratch = run.settings, f"{SCRATCH}/{run.scratch.name}"
    return {
        "baseurls": list(settings.baseurls),
        "arch": settings.arch,
        "root": ROOT if run.root else f"{scratch}/root",
        "cache": CACHE,
        "scratch": scratch,
        "install": dict(run.install),
        "proxy": settings.proxy,
        "releasever": settings.releasever,
        "best": settings.best,
        "module_hotfixes": settings.module_hotfixes,
    }


def solve(run: SolverRun, manager: ContainerManager, store: PackageStore, log: LogSink) -> Solution:
    """What has to be installed, every file of it in the store.

    Unsolvable when the repo cannot give it; BuildrootFailed when the repo or a file of it cannot be fetched.
    """
    sink = AnswerSink(log)
    run.scratch.mkdir(parents=True)
    try:
        with store.lock():
            code = manager.run(solver_spec(run, store.directory), sink)
        keep_logs(run.scratch / "log", log)
    finally:
        shutil.rmtree(run.scratch, ignore_errors=True)
    if code == UNSOLVABLE:
        raise Unsolvable(
            f"repo {run.settings.repo_id} of {run.settings.tag_name} cannot provide what is needed: {sink.reason}"
        )
    if code == UNFETCHED:
        raise BuildrootFailed(
            f"repo {run.settings.repo_id} of {run.settings.tag_name} cannot be fetched; see root.log",
            hint="check topurl, external repos and solver_network",
        )
    if code:
        raise BuildrootFailed(
            f"the solver ended with status {code}; see root.log", hint=f"check image {run.image}"
        )
    answer = json.loads(sink.answer)
    return Solution(
        install=tuple(SolvedPackage.from_json(row) for row in answer["install"]),
        remove=frozenset(answer["remove"]),
    )


def keep_logs(directory: Path, log: LogSink) -> None:
    """What dnf wrote of its own goes to the end of the log of the run."""
    for name in ("dnf.log", "hawkey.log"):
        path = directory / name
        if path.is_file():
            with path.open("rb") as handle:
                while block := handle.read(1 << 16):
                    log.write("stdout", block)


@dataclass(frozen=True, kw_only=True)
class Solver:
    """All that one task needs to ask for packages; made once per task.

    A solution says what is to be installed, not that its files are here: `fetch` brings them.
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

    def group(self) -> Solution:
        """The install group into an empty root. Unsolvable, BuildrootFailed."""
        return self._found(self._group_key(), {"group": self.settings.group}, lambda: "")

    def cached_group(self) -> Solution | None:
        """The same if it was found before on this host."""
        return self._cache.get(self._group_key())

    def requires(self, requires: Sequence[str], *, base_key: str, root: Callable[[], str]) -> Solution:
        """What `requires` adds to a root whose content `base_key` tells; Unsolvable, BuildrootFailed.

        `root` gives the engine's path of the mounted root, and is called only if this was never solved before.
        """
        wanted = sorted(set(requires))
        key = self._key("requires", base_key, wanted)
        return self._found(key, {"requires": wanted}, root)

    def fetch(self, solution: Solution) -> None:
        """Bring the files of `solution` that are not in the store. BuildrootFailed."""
        if not self.store.complete(solution):
            self._run({"requires": [f"{package.nevra}" for package in solution.install]}, "")

    @property
    def _cache(self) -> SolutionCache:
        return SolutionCache(self.config.cache_dir)

    def _group_key(self) -> str:
        return self._key("group", self.settings.group)

    def _key(self, *asked: object) -> str:
        settings = self.settings
        options = (settings.releasever, settings.best, settings.module_hotfixes)
        return solution_key(self.metadata.digest, settings.arch, options, self.task_image.id, *asked)

    def _found(self, key: str, install: Mapping[str, Any], root: Callable[[], str]) -> Solution:
        known = self._cache.get(key)
        if known is not None:
            return known
        solution = self._run(install, root())
        self._cache.put(key, solution)
        return solution

    def _run(self, install: Mapping[str, Any], root: str) -> Solution:
        run = SolverRun(
            settings=self.settings,
            config=self.config,
            owner=self.owner,
            image=self.task_image.id,
            root=root,
            install=install,
            scratch=self.workdir / f"solver-{self.owner.task_id}-{secrets.token_hex(4)}",
            environment=self.environment,
        )
        return solve(run, self.manager, self.store, self.log)
