"""A task in miniature, of each role, on an engine in memory, with all that stands between a task and its engine.

What stands there is put together in `guarded_task` and `guarded_image`, and nowhere else in the tests of composed
errors.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from koji_adjutant import guards
from koji_adjutant.buildroot.settings import HOME
from koji_adjutant.config import Config
from koji_adjutant.container.interface import (
    ContainerInfo,
    ContainerManager,
    ContainerSpec,
    ImageInfo,
    Stream,
)
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.errors import BuildFailed, BuildrootFailed, TaskFailed
from koji_adjutant.guards.confinement import ConfinedContainers, Containment
from koji_adjutant.guards.interruptions import interruptions
from koji_adjutant.guards.stack import WrappedEngine, guarded
from koji_adjutant.policy.containers import TaskLimits
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager

TASK = 7
SCRIPTS = Path(guards.__file__).with_name("scripts")
EXAMINE = ("/bin/bash", "-c", (SCRIPTS / "limits.sh").read_text())
WRITTEN = ("/bin/bash", "-c", (SCRIPTS / "room.sh").read_text())
MEASURE = ("/usr/bin/python3", "-c", (SCRIPTS / "measure.py").read_text())
FREE = ("stat", "-f", "-c", "%S %a", "/")
PROGRAM = ("program",)
MINSPACE = 100
ROOM, NO_ROOM, LITTLE_ROOM = 1 << 40, 1 << 20, 90 << 20
"""Free bytes; the last is less than minspace, and enough to work on."""
LIMITS = TaskLimits(
    memory=64 << 20,
    pids=40,
    build_disk=1 << 20,
    build_inodes=1000,
    origins={"memory": "limits_buildarch of the builder", "build_disk": "adjutant.limits of tag dist"},
)
CONTAINMENT = Containment(seccomp_profile="/seccomp.json")


@contextmanager
def guarded_task(engine: ContainerManager, config: Config, limits: TaskLimits) -> Iterator[ContainerManager]:
    """The engine as a task has it, from the handler's start to what its end is told as."""
    with (
        interruptions(config, TASK),
        guarded(engine, config, limits, task_image="task:1", home=HOME, containment=CONTAINMENT) as wrapped,
    ):
        yield wrapped


@contextmanager
def guarded_image(engine: ContainerManager, config: Config, limits: TaskLimits) -> Iterator[ContainerManager]:
    """The engine as the making of an image has it."""
    yield WrappedEngine(engine, ConfinedContainers(engine, CONTAINMENT))


class _Engine(FakeContainerManager):
    """The engine in memory, where the n-th call of a verb can fail."""

    def __init__(self) -> None:
        super().__init__({MEASURE: CommandResult(endless=True), EXAMINE: CommandResult()})
        self.failures: dict[str, list[Exception | None]] = {}

    def _call(self, method: str) -> None:
        if queue := self.failures.get(method):
            error = queue.pop(0)
            if error is not None:
                raise error
        super()._call(method)

    def inspect(self, container: str) -> ContainerInfo | None:
        self._call("inspect")
        return super().inspect(container)

    def import_empty_image(self, reference: str) -> ImageInfo:
        self._call("import_empty_image")
        return super().import_empty_image(reference)

    def copy_from(
        self, container: str, source: str, target: Path, *, suffix: str = "", limit: int | None = None
    ) -> tuple[Path, ...]:
        self._call("copy_from")
        return super().copy_from(container, source, target, suffix=suffix, limit=limit)


class _Nothing:
    def write(self, stream: Stream, data: bytes) -> None:
        """Forget it."""


@dataclass(kw_only=True)
class Scene:
    """A task of `role`, and what a situation makes of its surroundings before it runs."""

    role: Role
    limits: TaskLimits
    directory: Path
    monkeypatch: pytest.MonkeyPatch
    engine: _Engine = field(default_factory=_Engine)
    build: str = ""
    """The build container, once there is one."""
    during: Callable[[ContainerManager], None] = lambda _engine: None
    """What the task does itself before its program."""
    after: Callable[[], None] = lambda: None
    """What it meets with when its program has ended well."""
    timeout: float | None = None
    free: dict[str, int] = field(default_factory=dict)
    """Bytes that are free below a path of this machine, by the path's beginning; elsewhere there is room."""

    def __post_init__(self) -> None:
        for image in ("image:1", "task:1"):
            self.engine.add_image(image)
        self.engine.storage = self.directory / "storage"
        self.says(0)
        self.free_inside(ROOM)
        self.written("0")
        (self.directory / "state").mkdir()
        self.monkeypatch.setattr(os, "statvfs", self._statvfs)

    @property
    def config(self) -> Config:
        return Config(
            server="http://h",
            topurls=("http://h",),
            workdir=str(self.directory / "work"),
            cache_dir=self.directory / "cache",
            state_dir=self.directory / "state",
            minspace=MINSPACE,
        )

    # What a situation may set

    def says(
        self, code: int, text: str = "", effect: Callable[[FakeContainer, Command], None] | None = None
    ) -> None:
        """How the program ends, what it prints, and what happens meanwhile."""
        output: tuple[tuple[Stream, bytes], ...] = (("stdout", text.encode()),) if text else ()
        self.engine.script(PROGRAM, CommandResult(exit_code=code, output=output, effect=effect))

    def free_inside(self, free: int, effect: Callable[[FakeContainer, Command], None] | None = None) -> None:
        """What is free where containers write, as a command in one of them finds it."""
        said = f"1024 {free >> 10}\n".encode()
        self.engine.script(FREE, CommandResult(output=(("stdout", said),), effect=effect))

    def written(self, answer: str) -> None:
        """What the build has written, in KiB, by its own user's command."""
        self.engine.script(WRITTEN, CommandResult(output=(("stdout", f"written {answer}\n".encode()),)))

    def examined(self, code: int, answer: str = "") -> None:
        """What the container says of its limits."""
        self.engine.script(EXAMINE, CommandResult(exit_code=code, output=(("stdout", answer.encode()),)))

    def counted(self, *lines: str) -> None:
        """Times that the task was interrupted before, and why."""
        file = self.config.state_dir / "interrupted" / str(TASK)
        file.parent.mkdir()
        file.write_text("".join(f"{line}\n" for line in lines))

    def storage_here(self, free: int) -> None:
        """The engine's storage is on this machine, with so much room; an empty layer of the build container in it."""
        self.engine.storage.mkdir()
        self.free[str(self.engine.storage)] = free

    def upper(self) -> Path:
        """Where the engine keeps what the build container has written, with the build user's home in it."""
        made = self.engine.storage / self.build / "diff"
        (made / HOME.lstrip("/")).mkdir(parents=True, exist_ok=True)
        return made

    # The task

    def run(self) -> None:
        """Do what a task of this role does."""
        around: Callable[..., AbstractContextManager[ContainerManager]] = (
            guarded_image if self.role is Role.IMAGE else guarded_task
        )
        with around(self.engine, self.config, self.limits) as engine:
            match self.role:
                case Role.BUILD:
                    self._build(engine)
                case Role.SOLVER | Role.INSTALLER:
                    with engine.created(self.spec(Role.BUILD)) as self.build:
                        engine.start(self.build)
                        self._run(engine, BuildrootFailed)
                case _:
                    self._run(engine, TaskFailed)

    def _build(self, engine: ContainerManager) -> None:
        empty = engine.import_empty_image("localhost/empty:1")
        assert empty.id
        with engine.created(self.spec(Role.BUILD)) as self.build:
            engine.start_attached(self.build, _Nothing(), lambda: False)
            engine.copy_to(self.build, self.directory / "state", "/")
            self.during(engine)
            code = engine.exec(self.build, PROGRAM, _Nothing(), timeout=self.timeout)
            if code:
                raise BuildFailed("error building package", hint=f"rpmbuild exited with {code}")
            self.after()
            self.engine.container(self.build).files["/result/x.rpm"] = b"x"
            engine.copy_from(self.build, "/result", self.directory / "state", suffix=".rpm")

    def _run(self, engine: ContainerManager, fault: type[BuildrootFailed | TaskFailed]) -> None:
        self.during(engine)
        code = engine.run(self.spec(self.role, *PROGRAM), _Nothing(), timeout=self.timeout)
        if code:
            raise fault(f"the {self.role} could not do it", hint=f"it ended with {code}")
        self.after()

    def spec(self, role: Role, *command: str) -> ContainerSpec:
        owner = Owner(worker="tests", task_id=TASK)
        return ContainerSpec(
            image="image:1", command=command or ("/bin/sleep", "infinity"), labels=owner.labels(role)
        )

    def _statvfs(self, path: Any) -> SimpleNamespace:
        text = os.fspath(path)
        if not Path(text).exists() and not text.startswith(str(self.engine.storage)):
            raise FileNotFoundError(text)
        if text.startswith(str(self.engine.storage)) and not self.engine.storage.exists():
            raise FileNotFoundError(text)
        free = next((free for start, free in self.free.items() if text.startswith(start)), ROOM)
        return SimpleNamespace(f_bavail=free, f_frsize=1, f_files=0, f_favail=0, f_flag=0)
