"""The tool container: a program of the task image at work for a task without a buildroot.

It has no capability, runs as the daemon's own user, and sees its task's work directory under the name that it has
for the daemon, so that paths in arguments and in results mean the same on both sides.
"""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from koji_adjutant.container.interface import Containers, ContainerSpec, LogSink, Stream, VolumeMount
from koji_adjutant.container.labels import Role
from koji_adjutant.container.programs import TOOL_PATH, TeeSink
from koji_adjutant.journal.phases import Phase
from koji_adjutant.policy.containers import NO_NETWORK, own_user
from koji_adjutant.task_adapters.base import TaskContext, default_mounts

DENIED = re.compile(rb"\bPermission denied\b")
LINE_LIMIT = 4096


def tool_spec(
    ctx: TaskContext,
    *,
    image: str,
    command: tuple[str, ...],
    build_tag: str,
    arch: str,
    mounts: tuple[VolumeMount, ...],
    network: str = NO_NETWORK,
    environment: Mapping[str, str],
) -> ContainerSpec:
    """The container for `command`; `mounts` come beside the work directory."""
    return ContainerSpec(
        image=image,
        command=command,
        labels={
            **ctx.config.container_labels,
            **ctx.owner(build_tag=build_tag, arch=arch).labels(Role.TOOL),
        },
        environment={
            "PATH": TOOL_PATH,
            "LANG": "C.UTF-8",
            "HOME": str(ctx.workdir),
            "TMPDIR": str(ctx.workdir),
            **ctx.environment(build_tag=build_tag, arch=arch),
            **environment,
        },
        user=own_user(ctx.config),
        workdir=str(ctx.workdir),
        mounts=(*mounts, *default_mounts(ctx), *ctx.config.container_mounts),
        network=network,
        label_disable=True,
    )


def run_tool(
    ctx: TaskContext,
    manager: Containers,
    spec: ContainerSpec,
    sink: LogSink,
    *patterns: re.Pattern[bytes],
) -> "tuple[int, LineWatch]":
    """Run a tool container to its end: the command's exit code, and the lines in which `patterns` were found.

    The log begins with the command whose output follows, fit to be run again.
    """
    command = spec.command[0]
    sink.write("stdout", f"$ {shlex.join(spec.command)}\n".encode(errors="surrogateescape"))
    watch = LineWatch(*patterns)
    ctx.journal.record(Phase.COMMAND_STARTED, task=ctx.task_id, command=command)
    code = manager.run(spec, TeeSink(sink, watch))
    ctx.journal.record(Phase.COMMAND_ENDED, task=ctx.task_id, command=command, status=code)
    return code, watch


def writable_directory(path: Path) -> Path:
    """A directory that the tool may write to."""
    path.mkdir(parents=True, exist_ok=True)
    return path


class LineWatch:
    """A sink beside a log: keeps the first line in which each of some patterns was found."""

    def __init__(self, *patterns: re.Pattern[bytes]) -> None:
        self._wanted = set(patterns)
        self._found: dict[re.Pattern[bytes], str] = {}
        self._tail = b""

    def line(self, pattern: re.Pattern[bytes]) -> str:
        """That line; empty when there was none."""
        return self._found.get(pattern, "")

    def write(self, stream: Stream, data: bytes) -> None:  # noqa: ARG002 - a line may be on either
        """Take one piece of output; of a line that goes on, only the end is kept."""
        if not self._wanted:
            return
        lines = (self._tail + data).split(b"\n")
        self._tail = lines[-1][-LINE_LIMIT:]
        for line in lines:
            for pattern in [pattern for pattern in self._wanted if pattern.search(line)]:
                self._found[pattern] = line.decode(errors="replace").strip()
                self._wanted.discard(pattern)
