"""The layer that puts the limits of a task on every container made through it.

A build container's disk is watched if it is limited; when something fails, the container is asked which limit was
hit before it goes, and what it says goes into the task's evidence. Lives as long as its task.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from koji_adjutant.container import labels
from koji_adjutant.container.interface import Containers, ContainerSpec, ImageInfo, LogSink
from koji_adjutant.container.labels import Role
from koji_adjutant.container.programs import KILLED, USER_PATH, HeadSink, bash
from koji_adjutant.errors import (
    AdjutantError,
    EngineError,
    EngineUnavailable,
    TaskFault,
)
from koji_adjutant.guards.diagnose import Evidence
from koji_adjutant.guards.disk_watch import DiskWatch, watch_spec
from koji_adjutant.guards.layers import ContainersLayer
from koji_adjutant.policy.containers import TaskLimits

SCRIPT = Path(__file__).with_name("scripts") / "limits.sh"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
LIMITED = frozenset({Role.BUILD, Role.INSTALLER, Role.TOOL, Role.CHECKOUT})
"""The solver runs no code of a package, and needs what the metadata of its repo need."""
ASKED = ("memory", "cpus", "pids")
"""What the engine limits."""
STOPPED = frozenset({Role.BUILD, Role.INSTALLER})
"""What fills a disk."""
FULL = 0.01
"""Of a disk is free when nothing is."""

logger = logging.getLogger("koji.adjutant.guards")


class LimitedContainers(ContainersLayer):
    """Runs the containers of a task under its limits. `task_image` has the tools of the disk watch."""

    def __init__(self, below: Containers, limits: TaskLimits, evidence: Evidence, *, task_image: str) -> None:
        super().__init__(below)
        self._limits = limits
        self._evidence = evidence
        self._task_image = task_image
        self._watches: dict[str, DiskWatch] = {}
        self._empty_image = ""

    def note_empty_image(self, image: ImageInfo) -> None:
        """The image of roots that are populated first."""
        self._empty_image = image.id

    # Containers

    def create(self, spec: ContainerSpec) -> str:
        return self._below.create(self._limited(spec))

    @contextmanager
    def created(self, spec: ContainerSpec) -> Iterator[str]:
        with self._below.created(self._limited(self._with_quota(spec))) as container:
            if role_of(spec) is not Role.BUILD:
                yield container
                return
            with self._watched(container, spec), self._examined(container):
                yield container

    def start(self, container: str) -> None:
        self._below.start(container)
        self._watch(container)

    def start_attached(self, container: str, sink: LogSink, enough: Callable[[], bool]) -> None:
        self._watch(container)
        self._below.start_attached(container, sink, enough)

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        role = role_of(spec)
        if role is Role.INSTALLER:
            if self._is_stopped:
                return KILLED
            for watch in tuple(self._watches.values()):
                watch.begin()
                watch.root_will_change()
        code = self._below.run(self._limited(spec), sink, timeout=timeout)
        if role is Role.INSTALLER:
            for watch in tuple(self._watches.values()):
                watch.root_is_complete()
        if code == KILLED and role in LIMITED and self._limits.memory is not None and not self._is_stopped:
            self._evidence.add_limit(
                f"the {role} container was killed, as for want of memory; the limit is "
                f"{self._limits.text('memory')}: {self._limits.hint('memory')}"
            )
        return code

    def _with_quota(self, spec: ContainerSpec) -> ContainerSpec:
        # A root that is populated first has no quota: the packages are not the build's.
        if role_of(spec) is not Role.BUILD or spec.image == self._empty_image:
            return spec
        return replace(spec, limits=replace(spec.limits, disk_bytes=self._limits.build_disk))

    def _limited(self, spec: ContainerSpec) -> ContainerSpec:
        if role_of(spec) not in LIMITED:
            return spec
        return limited_spec(spec, self._limits)

    # The disk

    @contextmanager
    def _watched(self, container: str, spec: ContainerSpec) -> Iterator[None]:
        if not self._limits.watches_disk:
            yield
            return
        tool = {**spec.labels, labels.ROLE: Role.TOOL.value}
        watch = DiskWatch(
            containers=self._below,
            limits=self._limits,
            container=container,
            spec=lambda upper: watch_spec(
                image=self._task_image, upper=upper, labels=tool, limits=self._limits
            ),
            on_full=lambda: self._stop(spec),
        )
        self._watches[container] = watch
        try:
            yield
        finally:
            del self._watches[container]
            # Before its end, which may meet with the same disk; and after it, for what it has found until then.
            self._note(watch)
            watch.end()
            self._note(watch)

    def _note(self, watch: DiskWatch) -> None:
        if watch.problem:
            self._evidence.has_filled_disk = True
            self._evidence.add_limit(str(watch.problem))
        self._evidence.unenforced = self._evidence.unenforced or watch.loss

    @property
    def _is_stopped(self) -> bool:
        return any(watch.has_stopped for watch in tuple(self._watches.values()))

    def _watch(self, container: str) -> None:
        if watch := self._watches.get(container):
            watch.begin()

    def _stop(self, spec: ContainerSpec) -> None:
        mine = {key: spec.labels[key] for key in (labels.WORKER, labels.TASK) if key in spec.labels}
        failed: AdjutantError | None = None
        for found in self._below.find(mine):
            if found.labels.get(labels.ROLE) not in STOPPED:
                continue
            try:
                self._below.kill(found.id)
            except AdjutantError as error:
                # One that is just going keeps no other from being stopped.
                failed = failed or error
        if failed is not None:
            raise failed

    # What came of it

    @contextmanager
    def _examined(self, container: str) -> Iterator[None]:
        try:
            yield
        except (TaskFault, EngineError):
            try:
                self._examine(container)
            except EngineUnavailable as error:
                # Whether a limit was hit is not known, and what failed may have failed with the engine.
                self._evidence.unenforced = self._evidence.unenforced or error
            except AdjutantError as error:
                logger.warning("the limits of container %s cannot be read: %s", container[:12], error)
            raise

    def _examine(self, container: str) -> None:
        if (found := self._below.inspect(container)) is None or found.state != "running":
            return
        answer = HeadSink()
        argv = bash(SCRIPT_TEXT, SCRIPT.name)
        try:
            # Root's command: what a build has left running could answer for its own user's.
            code = self._below.exec(container, argv, answer, environment={"PATH": USER_PATH}, user="0:0")
        except EngineError:
            code = KILLED
        if code and not answer.data:
            self._evidence.add_limit(
                f"no other process can be started in its container; the limit pids is "
                f"{self._limits.text('pids')}: {self._limits.hint('pids')}"
            )
        for reason in reasons_in(answer.data.decode(errors="replace"), self._limits):
            self._evidence.add_limit(reason)


def role_of(spec: ContainerSpec) -> Role | None:
    """What a container of this spec does."""
    found = spec.labels.get(labels.ROLE)
    return Role(found) if found else None


def limited_spec(spec: ContainerSpec, limits: TaskLimits) -> ContainerSpec:
    """`spec` with the limits of a task. Pure."""
    return replace(
        spec,
        limits=replace(
            spec.limits,
            memory_bytes=limits.memory,
            cpus=limits.cpus,
            pids=limits.pids,
            rlimits=limits.rlimits,
            asked={
                name: limits.origins[name]
                for name in ASKED
                if name in limits.origins and getattr(limits, name) is not None
            },
        ),
    )


def reasons_in(text: str, limits: TaskLimits) -> tuple[str, ...]:
    """Which limits were hit, by the answer of scripts/limits.sh. Pure."""
    found: list[str] = []
    for line in text.splitlines():
        match line.split():
            case ["memory", number] if number.isdecimal() and int(number):
                found.append(
                    f"the kernel killed {int(number)} of its processes for want of memory; {_memory(limits)}"
                )
            case ["pids", number] if number.isdecimal() and int(number):
                found.append(
                    f"it could not start a process {int(number)} times; the limit pids is "
                    f"{limits.text('pids')}: {limits.hint('pids')}"
                )
            case ["blocks", total, free] if total.isdecimal() and free.isdecimal():
                if int(free) < FULL * int(total):
                    found.append(f"its disk is full; {_disk(limits)}")
            case _:
                pass
    return tuple(found)


def _memory(limits: TaskLimits) -> str:
    if limits.memory is None:
        return "no limit is set, so the host had no more: lower maxjobs, or limit memory"
    return f"the limit memory is {limits.text('memory')}: {limits.hint('memory')}"


def _disk(limits: TaskLimits) -> str:
    if limits.build_disk is None:
        return "no limit is set: make room in the engine's storage, or raise minspace"
    return (
        f"the limit build_disk is {limits.text('build_disk')}: {limits.hint('build_disk')}, or make room in the "
        "engine's storage"
    )
