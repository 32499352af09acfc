"""The limits of one task around the engine: a ContainerManager that puts them on every container made through it.

A build container's disk is watched if it is limited; when something fails, the container is asked which limit was
hit before it goes. `explained` is the context whose errors say so. Lives as long as its task.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, ImageInfo, LogSink
from koji_adjutant.container.labels import Role
from koji_adjutant.errors import (
    AdjutantError,
    BuildFailed,
    EngineBroken,
    EngineError,
    EngineUnavailable,
    TaskFault,
    TaskInterrupted,
)
from koji_adjutant.policy.limits import TaskLimits
from koji_adjutant.task_adapters.answer import Answer
from koji_adjutant.task_adapters.disk_watch import DiskWatch, watch_spec

SCRIPT = Path(__file__).with_name("scripts") / "limits.sh"
SCRIPT_TEXT = SCRIPT.read_text()
"""Read when the daemon starts: a package that is replaced meanwhile is not a running task's business."""
LIMITED = frozenset({Role.BUILD, Role.INSTALLER, Role.TOOL})
"""The solver runs no code of a package, and needs what the metadata of its repo need."""
STOPPED = frozenset({Role.BUILD, Role.INSTALLER})
"""What fills a disk."""
KILLED = 137
FULL = 0.01
"""Of a disk is free when nothing is."""

logger = logging.getLogger(__name__)


class LimitedManager:
    """See the module; what it does not define is the engine's. `task_image` has the tools of the disk watch."""

    def __init__(self, engine: ContainerManager, limits: TaskLimits, *, task_image: str) -> None:
        self._engine = engine
        self._limits = limits
        self._task_image = task_image
        self._watches: dict[str, DiskWatch] = {}
        self._reasons: list[str] = []
        self._has_filled = False
        self._loss: EngineUnavailable | None = None
        self._empty: ImageInfo | None = None

    @property
    def manager(self) -> ContainerManager:
        """This, by its type: most of it is there by `__getattr__` alone."""
        return cast("ContainerManager", self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    # Containers

    def create(self, spec: ContainerSpec) -> str:
        return self._engine.create(self._limited(spec))

    def import_empty_image(self, reference: str) -> ImageInfo:
        self._empty = self._engine.import_empty_image(reference)
        return self._empty

    @contextmanager
    def created(self, spec: ContainerSpec) -> Iterator[str]:
        with self._engine.created(self._limited(self._with_quota(spec))) as container:
            if role_of(spec) is not Role.BUILD:
                yield container
                return
            with self._watched(container, spec), self._examined(container):
                yield container

    @contextmanager
    def running(self, spec: ContainerSpec) -> Iterator[str]:
        with self.created(spec) as container:
            self.start(container)
            yield container

    def start(self, container: str) -> None:
        self._engine.start(container)
        self._watch(container)

    def start_attached(self, container: str, sink: LogSink, enough: Callable[[], bool]) -> None:
        self._watch(container)
        self._engine.start_attached(container, sink, enough)

    def run(self, spec: ContainerSpec, sink: LogSink, *, timeout: float | None = None) -> int:
        role = role_of(spec)
        if role is Role.INSTALLER:
            if self._is_stopped:
                return KILLED
            for watch in tuple(self._watches.values()):
                watch.begin()
        code = self._engine.run(self._limited(spec), sink, timeout=timeout)
        if role is Role.INSTALLER:
            for watch in tuple(self._watches.values()):
                watch.root_is_complete()
        if code == KILLED and role in LIMITED and self._limits.memory is not None and not self._is_stopped:
            self._add(
                f"the {role} container was killed, as for want of memory; the limit is "
                f"{self._limits.text('memory')}: {self._limits.hint('memory')}"
            )
        return code

    def _with_quota(self, spec: ContainerSpec) -> ContainerSpec:
        # A root that is populated first has no quota: the packages are not the build's.
        is_empty = self._empty is not None and spec.image == self._empty.id
        if role_of(spec) is not Role.BUILD or is_empty:
            return spec
        return replace(spec, limits=replace(spec.limits, disk_bytes=self._limits.build_disk))

    def _limited(self, spec: ContainerSpec) -> ContainerSpec:
        if role_of(spec) not in LIMITED:
            return spec
        ours = self._limits
        limits = replace(spec.limits, memory_bytes=ours.memory, cpus=ours.cpus, pids=ours.pids)
        return replace(spec, limits=limits)

    # The disk

    @contextmanager
    def _watched(self, container: str, spec: ContainerSpec) -> Iterator[None]:
        if not self._limits.watches_disk:
            yield
            return
        tool = {**spec.labels, labels.ROLE: Role.TOOL.value}
        watch = DiskWatch(
            manager=self._engine,
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
            watch.end()
            if watch.problem:
                self._has_filled = True
                self._add(watch.problem)
            self._loss = self._loss or watch.loss

    @property
    def _is_stopped(self) -> bool:
        return any(watch.has_stopped for watch in tuple(self._watches.values()))

    def _watch(self, container: str) -> None:
        if watch := self._watches.get(container):
            watch.begin()

    def _stop(self, spec: ContainerSpec) -> None:
        mine = {key: spec.labels[key] for key in (labels.WORKER, labels.TASK) if key in spec.labels}
        for found in self._engine.find(mine):
            if found.labels.get(labels.ROLE) in STOPPED:
                self._engine.kill(found.id)

    # What came of it

    @contextmanager
    def explained(self) -> Iterator[None]:
        """What fails in this context says which limits were hit, if any were, and what to raise.

        What failed because a limit could not be enforced is EngineUnavailable.
        """
        try:
            yield
        except (TaskFault, EngineError) as error:
            if not self._reasons and self._loss is None:
                raise
            raise self._explained(error) from error
        except (TaskInterrupted, EngineBroken) as error:
            # An engine without room does not even know that we have ended what took it.
            if not self._has_filled:
                raise
            raise self._explained(error) from error

    def _explained(self, error: AdjutantError) -> AdjutantError:
        if not self._reasons and self._loss is not None:
            return self._loss
        if isinstance(error, TaskFault):
            return type(error)(error.message, hint="; ".join(filter(None, (error.hint, *self._reasons))))
        # Of a container that we have killed, the engine has nothing more to say.
        return BuildFailed("the build was stopped", hint="; ".join(self._reasons))

    @contextmanager
    def _examined(self, container: str) -> Iterator[None]:
        try:
            yield
        except (TaskFault, EngineError):
            try:
                self._examine(container)
            except EngineUnavailable as error:
                # Whether a limit was hit is not known, and what failed may have failed with the engine.
                self._loss = self._loss or error
            except AdjutantError as error:
                logger.warning("the limits of container %s cannot be read: %s", container[:12], error)
            raise

    def _examine(self, container: str) -> None:
        if (found := self._engine.inspect(container)) is None or found.state != "running":
            return
        answer = Answer()
        argv = ("/bin/bash", "-c", SCRIPT_TEXT, SCRIPT.name)
        try:
            code = self._engine.exec(container, argv, answer, environment={"PATH": "/usr/bin:/bin"})
        except EngineError:
            code = KILLED
        if code and not answer.text:
            self._add(
                f"no other process can be started in its container; the limit pids is "
                f"{self._limits.text('pids')}: {self._limits.hint('pids')}"
            )
        for reason in reasons_in(answer.text.decode(errors="replace"), self._limits):
            self._add(reason)

    def _add(self, reason: str) -> None:
        if reason not in self._reasons:
            self._reasons.append(reason)


def role_of(spec: ContainerSpec) -> Role | None:
    """What a container of this spec does."""
    found = spec.labels.get(labels.ROLE)
    return Role(found) if found else None


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
