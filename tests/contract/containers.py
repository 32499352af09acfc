"""What the contract suite of containers runs over: the fake and real podman, prepared to do the same."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerManager, ContainerSpec, IdMap, Stream
from koji_adjutant.testbed.engine.service import Engine
from tests.fakes.containers import CommandResult, FakeContainerManager
from tests.waiting import eventually

IMAGE = "localhost/contract:1"
PROGRAMS = (
    *(
        "bash",
        "cat",
        "chmod",
        "dd",
        "env",
        "grep",
        "head",
        "id",
        "ln",
        "ls",
        "mkdir",
        "mkfifo",
        "mknod",
        "rm",
    ),
    *("seq", "setarch", "sha256sum", "sleep", "stat", "touch", "tr", "true", "umount", "unshare"),
)
IS_ROOTLESS = os.geteuid() != 0
HAS_LIMITS = not IS_ROOTLESS or Path("/sys/fs/cgroup/cgroup.controllers").exists()
"""With control groups of v1 an engine of an ordinary user has none of its own, and lets the limits be."""
ID_MAP = IdMap(first=1 if IS_ROOTLESS else 1 << 30)
"""Of ids that the engine has: of an ordinary user's there are no others."""
PATH = {"PATH": "/bin"}
WORKER = {labels.WORKER: "contract"}


@dataclass
class Output:
    """A LogSink that keeps everything, in order and by stream."""

    pieces: list[tuple[Stream, bytes]] = field(default_factory=list)

    def write(self, stream: Stream, data: bytes) -> None:
        self.pieces.append((stream, bytes(data)))

    @property
    def stdout(self) -> bytes:
        return b"".join(data for stream, data in self.pieces if stream == "stdout")

    @property
    def stderr(self) -> bytes:
        return b"".join(data for stream, data in self.pieces if stream == "stderr")


class Subject(Protocol):
    """An implementation under test."""

    @property
    def manager(self) -> ContainerManager: ...

    def expect(self, argv: Sequence[str], result: CommandResult) -> None:
        """`argv` does this: the fake is told, podman has to do it."""


@dataclass
class FakeSubject:
    manager: FakeContainerManager

    def expect(self, argv: Sequence[str], result: CommandResult) -> None:
        self.manager.script(argv, result)


@dataclass
class PodmanSubject:
    manager: ContainerManager

    def expect(self, argv: Sequence[str], result: CommandResult) -> None:
        assert argv
        assert result.exit_code >= 0


def spec(
    *command: str,
    environment: Mapping[str, str] = PATH,
    own_labels: Mapping[str, str] = WORKER,
) -> ContainerSpec:
    """A container of the contract image that does nothing until it is killed, or runs `command`."""
    return ContainerSpec(
        image=IMAGE, command=command or ("/bin/sleep", "infinity"), labels=own_labels, environment=environment
    )


def shell(script: str) -> tuple[str, ...]:
    """The argv of a shell script in the contract image."""
    return ("/bin/sh", "-c", script)


def kill_service(engine: Engine) -> None:
    """SIGKILL, and wait until it is gone: on a busy machine it runs on for a moment."""
    service, answering = engine.service(), engine.answering()
    assert service
    assert answering
    os.kill(answering.pid, signal.SIGKILL)
    eventually(lambda: not service.alive(), "the service is gone")
