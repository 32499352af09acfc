"""What every task adapter is given and has to offer.

An adapter translates: from a task's parameters to the specs of its containers and the steps inside them (both
pure functions, testable without an engine), and from what came out to the result that the hub expects. Its `run`
is the thin loop that executes the steps; everything that it acquires is released when `run` returns.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, LogSink, VolumeMount
from koji_adjutant.container.labels import Owner
from koji_adjutant.guards.usage import TaskUsage
from koji_adjutant.hub.session import HubSession
from koji_adjutant.journal.phases import Journal, NullJournal
from koji_adjutant.logs.excerpt import LastWords


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """One task on this host. `workdir` is the task's own, made and removed by its handler."""

    task_id: int
    parameters: Mapping[str, Any]
    session: HubSession
    workdir: Path
    config: Config
    worker: str
    """Identity of this daemon among all that use the engine; part of every container's labels."""
    journal: Journal = field(default_factory=NullJournal)
    usage: TaskUsage = field(default_factory=TaskUsage)
    last_words: LastWords = field(default_factory=LastWords)

    def owner(self, *, buildroot_id: int | None = None, build_tag: str = "", arch: str = "") -> Owner:
        """Whose the containers of this task are."""
        return Owner(
            worker=self.worker,
            task_id=self.task_id,
            buildroot_id=buildroot_id,
            build_tag=build_tag,
            arch=arch,
        )

    def environment(self, *, build_tag: str = "", arch: str = "") -> dict[str, str]:
        """Environment of tool containers; rpmbuild's is mock's and has none of this."""
        known = {"KOJI_TASK_ID": str(self.task_id), "KOJI_BUILD_TAG": build_tag, "KOJI_ARCH": arch}
        return {key: value for key, value in known.items() if value}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command inside a container; its output goes to the log of this name."""

    argv: tuple[str, ...]
    log: str
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = "0:0"
    workdir: str = "/"
    timeout: float | None = None


def default_mounts(ctx: TaskContext) -> tuple[VolumeMount, ...]:
    """The least that a tool container needs: its own work directory, and nothing of the topdir."""
    return (
        VolumeMount(
            source=ctx.config.engine_path(ctx.workdir),
            target=str(ctx.workdir),
            read_only=False,
            options=("rbind", "rprivate"),
        ),
    )


class BaseTaskAdapter(ABC):
    """A task method in containers. `result` is what the hub gets, once `run` has returned 0."""

    result: Any = None

    @abstractmethod
    def build_spec(self, ctx: TaskContext, task_params: Mapping[str, Any]) -> ContainerSpec:
        """The container in which the work of this task is done. Pure."""

    @abstractmethod
    def run(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink) -> int:
        """Do the work; the exit code of the command that decides. TaskFault and EngineUnavailable as they are."""
