"""What a daemon has written to its journal, told by its tasks: events as the daemon writes them, at any times."""

import hashlib
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from koji_adjutant.host.files import boot_id, since_boot
from koji_adjutant.journal.file import Event, encoded
from koji_adjutant.journal.phases import EventName, HostEvent, Phase
from koji_adjutant.journal.state import JOURNAL
from koji_adjutant.journal.use import Root, Use

WORKER, OTHER_WORKER = "ebc6f75aef88", "5d21c09a7f34"
TASK_IMAGE = "registry.example.org/koji-adjutant-task:almalinux10"
TASK_IMAGE_DIGEST = "sha256:" + hashlib.sha256(b"task image").hexdigest()
BASE_KEY = hashlib.sha256(b"base").hexdigest()
REQUIRES_KEY = hashlib.sha256(b"requires").hexdigest()
MAIN_PID, EARLIER_PID = 4100, 3100
LIMITS = MappingProxyType({"memory_bytes": 8 << 30, "cpus": 4.0, "pids": 32768, "disk_bytes": 20 << 30})
GUEST = "</script><script>alert('guest')</script>\x1b]0;guest\x07\x1b[2Jguest"
"""What a package may well print, and nobody is to obey."""
FIRST_ERROR = (
    "main.c:12:5: error: implicit declaration of function 'frobnicate' [-Wimplicit-function-declaration]"
)
LAST_LINES = (
    "gcc -O2 -g -c main.c",
    "\x1b[01m\x1b[Kmain.c:12:5:\x1b[m\x1b[K \x1b[01;31m\x1b[Kerror: \x1b[m\x1b[Kimplicit declaration",
    FIRST_ERROR,
    GUEST,
    "make: *** [Makefile:4: main.o] Error 1",
    "error: Bad exit status from /var/tmp/rpm-tmp.3f1Kq9 (%build)",
    "RPM build errors:",
    "    Bad exit status from /var/tmp/rpm-tmp.3f1Kq9 (%build)",
)
BUILD_ERROR = (
    "error building package (arch x86_64), build exited with status 1; see build.log for more information; "
    "rpmbuild-bb 1 in the build"
)


STEPS = (
    ("rpmbuild-bb", 0.02),
    ("prep", 0.03),
    ("build", 0.7),
    ("install", 0.1),
    ("check", 0.1),
    ("package", 0.05),
)
"""Of rpmbuild, with the share of its time that each takes."""


def container_id(*words: object) -> str:
    """An id as an engine makes them, the same for the same words."""
    return hashlib.sha256(repr(words).encode()).hexdigest()


@dataclass(kw_only=True)
class Story:
    """Events, told in any order and written in that of their times."""

    now: float = field(default_factory=time.time)
    events: list[Event] = field(default_factory=list)

    def record(
        self,
        ago: float,
        name: EventName,
        /,
        *,
        task: int | None = None,
        container: str = "",
        pid: int = MAIN_PID,
        **details: Any,
    ) -> None:
        """An event `ago` seconds before now."""
        self.events.append(
            Event(
                time=datetime.fromtimestamp(self.now - ago, UTC),
                name=name.value,
                task=task,
                container=container,
                details=details,
                boot_id=boot_id(),
                # Below nought when this machine has not been up for so long: what lies between is right.
                since_boot=since_boot() - ago,
                pid=pid,
            )
        )

    def lines(self) -> bytes:
        """All of it, as a journal has it."""
        return b"".join(encoded(event) for event in sorted(self.events, key=lambda event: event.time))

    def opened(self, task: int, method: str, ago: float, *, label: str, parent: int | None = None) -> int:
        """A task is taken, and its process begins; the pid of that."""
        pid = 10_000 + task
        more: dict[str, Any] = {} if parent is None else {"parent": parent}
        self.record(ago, Phase.OPENED, task=task, method=method, label=label, **more)
        self.record(ago - 0.02, Phase.STARTED, task=task, pid=pid, method=method)
        return pid

    def tool(self, task: int, ago: float, command: str, *, seconds: float = 1.0) -> None:
        """A tool of the task image at work, in a container of its own."""
        container, pid = container_id(task, command), 10_000 + task
        self.record(ago, Phase.COMMAND_STARTED, task=task, pid=pid, command=command)
        self.record(ago - 0.03, Phase.CONTAINER_CREATED, task=task, container=container, pid=pid, role="tool")
        self.record(ago - seconds + 0.02, Phase.CONTAINER_REMOVED, task=task, container=container, pid=pid)
        self.record(ago - seconds, Phase.COMMAND_ENDED, task=task, pid=pid, command=command, status=0)

    def root(self, task: int, ago: float, root: Root, *, packages: int = 149) -> float:
        """A task comes to its buildroot; how long ago it had it."""
        pid, build = 10_000 + task, container_id(task, "build")
        self.record(ago, Phase.BUILDROOT_RECORD, task=task, pid=pid, buildroot=5000 + task)
        self.record(
            ago - 0.02, Phase.IMAGE_READY, task=task, pid=pid, image=TASK_IMAGE, digest=TASK_IMAGE_DIGEST
        )
        self.record(ago - 0.1, Phase.SOLVED, task=task, pid=pid, packages=packages)
        self.record(ago - 0.15, Phase.CONTAINER_CREATED, task=task, container=build, pid=pid, role="build")
        for number, log in enumerate(("mock_config.log", "state.log", "mock_output.log", "root.log")):
            self.record(ago - 0.3 - number / 100, Phase.FIRST_LOG_UPLOADED, task=task, pid=pid, log=log)
        ready = ago - 0.4
        if root is Root.POPULATED:
            self._populated(task, ago - 0.4, packages)
            ready = ago - 12.4
        else:
            digest = "sha256:" + hashlib.sha256(BASE_KEY.encode()).hexdigest()
            self.record(
                ready + 0.01,
                Phase.IMAGE_READY,
                task=task,
                container=build,
                pid=pid,
                key=BASE_KEY,
                image=digest.removeprefix("sha256:"),
                digest=digest,
            )
        first = Root.POPULATED if root is Root.POPULATED else Root.HIT
        self._ready(task, ready, first, packages)
        return ready

    def _populated(self, task: int, ago: float, packages: int) -> None:
        pid, installer = 10_000 + task, container_id(task, "installer")
        self.record(ago, Phase.CONTAINER_CREATED, task=task, container=installer, pid=pid, role="installer")
        self.used(task, ago - 11.7, "installer", Use(memory_bytes=412 << 20, cpu_seconds=9.8, pids=9))
        self.record(ago - 11.8, Phase.CONTAINER_REMOVED, task=task, container=installer, pid=pid)
        self.record(
            ago - 11.9,
            Phase.POPULATED,
            task=task,
            container=container_id(task, "build"),
            pid=pid,
            seconds=11.9,
            packages=packages,
        )

    def _ready(self, task: int, ago: float, root: Root, packages: int) -> None:
        self.record(
            ago,
            Phase.BUILDROOT_READY,
            task=task,
            container=container_id(task, "build"),
            pid=10_000 + task,
            root=root.value,
            packages=packages,
            limits=dict(LIMITS),
        )

    def requires(self, task: int, ago: float, root: Root, *, packages: int = 162) -> None:
        """BuildRequires are added, from an image or by an installer."""
        pid, build = 10_000 + task, container_id(task, "build")
        self.record(ago, Phase.SOLVED, task=task, container=build, pid=pid, packages=packages - 149)
        if root is Root.POPULATED:
            self._populated(task, ago - 0.1, packages - 149)
            ago -= 12
        else:
            digest = "sha256:" + hashlib.sha256(REQUIRES_KEY.encode()).hexdigest()
            self.record(
                ago - 0.05,
                Phase.IMAGE_READY,
                task=task,
                container=build,
                pid=pid,
                key=REQUIRES_KEY,
                image=digest.removeprefix("sha256:"),
                digest=digest,
            )
        self._ready(task, ago - 0.1, root, packages)

    def used(self, task: int, ago: float, role: str, use: Use, *, phase: str = "", **more: Any) -> None:
        """What a container of a task has used."""
        where = {"phase": phase} if phase else {}
        self.record(
            ago,
            HostEvent.USAGE,
            task=task,
            container=container_id(task, role),
            pid=10_000 + task,
            role=role,
            **where,
            **more,
            **use.details(),
        )

    def ended(self, task: int, ago: float, phase: Phase, **details: Any) -> None:
        """A task process reports how its task ended, and what it has asked of hub and engine."""
        pid = 10_000 + task
        self.record(ago, phase, task=task, pid=pid, **details)
        self.record(
            ago - 0.01,
            HostEvent.REQUESTS,
            task=task,
            pid=pid,
            hub={"host.closeTask": [1, 0, 0.021], "multiCall": [6, 0, 0.21], "rawUpload": [9, 0, 0.4]},
            engine={"container-create": [2, 0, 0.2], "exec-create": [2, 0, 0.05], "exec-start": [2, 0, 0.02]},
            uploaded_bytes=184_322,
            log_uploaded_bytes=98_410,
            log_lag_seconds=0.4,
            downloaded_bytes={"cache": 96 << 20, "network": 2 << 20},
        )

    def build_arch(
        self,
        task: int,
        ago: float,
        *,
        seconds: float = 60.0,
        label: str = "hello-1.0-1.src.rpm, x86_64",
        parent: int | None = None,
        root: Root = Root.HIT,
        is_running: bool = False,
    ) -> None:
        """A buildArch up to the end of its rpmbuild, which takes `seconds`; of one that runs, up to its %build.

        What becomes of it is told by `ended`.
        """
        pid = self.opened(task, "buildArch", ago, label=label, parent=parent)
        begun = self.root(task, ago - 0.1, root) - 0.2
        self.record(begun, Phase.RPMBUILD_STARTED, task=task, pid=pid, command="rpmbuild-bs")
        if root is Root.DEPS_HIT:
            self.requires(task, begun - 0.2, root)
        self.record(begun - 0.9, Phase.FIRST_LOG_UPLOADED, task=task, pid=pid, log="build.log")
        at = begun - 0.4
        for step, part in STEPS:
            self.record(at, Phase.RPMBUILD_STARTED, task=task, pid=pid, command=step)
            if is_running and step == "build":
                return
            at -= seconds * part
            use = Use(
                memory_bytes=int(640 * part + 20) << 20,
                cpu_seconds=round(seconds * 1.6 * part, 3),
                read_bytes=3 << 20,
                written_bytes=int(300 * part) << 20,
                pids=17,
            )
            self.used(task, at, "build", use, phase=step, seconds=round(seconds * part, 3))
        whole = Use(
            memory_bytes=660 << 20,
            cpu_seconds=round(seconds * 1.6, 3),
            read_bytes=6 << 20,
            written_bytes=300 << 20,
            disk_bytes=280 << 20,
            pids=17,
        )
        self.used(task, begun - seconds - 0.3, "build", whole)
        self.record(
            begun - seconds - 0.6,
            Phase.CONTAINER_REMOVED,
            task=task,
            container=container_id(task, "build"),
            pid=pid,
        )


def append_events(state_dir: Path, story: Story) -> None:
    """More of a story, behind what is there: as if it had happened since."""
    handle = os.open(state_dir / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(handle, story.lines())
    finally:
        os.close(handle)
