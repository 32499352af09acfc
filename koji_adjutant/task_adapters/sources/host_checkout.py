"""Checking sources out on this host, as kojid does: by the daemon's user, with all that it has (`scm_on_host`).

The script is that of a checkout in a container, and so is what is looked at afterwards: its tree comes as a stream and
is unpacked by ours. What it needs on the way is a directory of the task's that goes with it.
"""

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from koji_adjutant.container.interface import ContainerManager, Containers, LogSink
from koji_adjutant.container.programs import bash
from koji_adjutant.policy.scm_access import ScmAccess, host_access
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.sources.checkout import (
    END_STEP,
    SCRIPT,
    SCRIPT_TEXT,
    TREE,
    CheckoutAdapter,
    limits_environment,
    script_arguments,
)
from koji_adjutant.task_adapters.sources.host_run import run_on_host

NOTHING = ScmAccess(mounts=(), environment={}, network="none", files={}, found=())


@dataclass(kw_only=True)
class HostCheckoutAdapter(CheckoutAdapter):
    """One checkout on this host; it has no container."""

    image: str = ""
    access: ScmAccess = NOTHING
    _is_ended: threading.Event = field(default_factory=threading.Event)

    def top(self, ctx: TaskContext) -> str:
        """Below the task's work directory."""
        return str(_directory(ctx) / TREE)

    def run_script(self, ctx: TaskContext, manager: ContainerManager, sink: LogSink, limit: float) -> int:  # noqa: ARG002
        """The exit code of the script, as a process of this host."""
        directory = _directory(ctx)
        access = host_access(ctx.config, self.address, directory=str(directory))
        arguments = script_arguments(self.address, self.top(ctx), use_common=self.use_common)
        directory.mkdir(mode=0o700)
        try:
            write_files(directory, access.files)
            return run_on_host(
                bash(SCRIPT_TEXT, SCRIPT.name, *arguments),
                sink,
                environment={**access.environment, **limits_environment(ctx.config)},
                directory=directory,
                timeout=limit,
                is_ended=self._is_ended.is_set,
            )
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def end(self, ctx: TaskContext, manager: Containers, has_ended: Callable[[float], bool]) -> None:  # noqa: ARG002
        """End a checkout that nobody waits for any more, and wait for that."""
        self._is_ended.set()
        while not has_ended(END_STEP):
            pass


def write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """`files`, by path below a directory, for nobody else to read."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - made with its mode
            file.write(content)


def _directory(ctx: TaskContext) -> Path:
    return ctx.workdir / "on_host"
