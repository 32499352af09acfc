"""What is done to the containers of a task from outside, and what the task does itself."""

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerInfo, ContainerSpec, ResourceLimits, Stream
from koji_adjutant.container.labels import TASK, Owner, Role
from koji_adjutant.errors import (
    AdjutantError,
    BuildFailed,
    EngineBroken,
    EngineError,
    EngineUnavailable,
    TaskInterrupted,
    TaskTimeout,
)
from koji_adjutant.task_adapters import room_watch
from koji_adjutant.task_adapters.guarded_manager import SCRIPT_TEXT, GuardedManager
from koji_adjutant.task_adapters.interruptions import interruptions
from tests.fakes.containers import CommandResult, FakeContainerManager
from tests.unit.task_adapters.conftest import Log

ROOM = ("/bin/bash", "-c", SCRIPT_TEXT)
FAULT = BuildFailed("error building package")


def spec(role: Role, *command: str) -> ContainerSpec:
    labels = Owner(worker="tests", task_id=7).labels(role)
    return ContainerSpec(image="image:1", command=command or ("/bin/sleep", "infinity"), labels=labels)


@pytest.fixture
def inner() -> FakeContainerManager:
    made = FakeContainerManager({ROOM: CommandResult()})
    made.add_image("image:1")
    return made


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://h", topurls=("http://h",), workdir=str(tmp_path), state_dir=tmp_path, minspace=100
    )


@pytest.fixture
def guarded(inner: FakeContainerManager, config: Config) -> GuardedManager:
    return GuardedManager(inner, config)


def ends(guarded: GuardedManager, what: str, inner: FakeContainerManager) -> None:
    """A build whose container is killed, removed or left as it is, and that fails then."""
    with guarded.told(), guarded.running(spec(Role.BUILD)) as container:
        if what == "ours":
            guarded.kill(container)
        elif what != "left":
            getattr(inner, what)(container)
        raise FAULT


@pytest.mark.parametrize(("what", "said"), [("kill", "was ended from outside"), ("remove", "was removed")])
def test_a_build_whose_container_somebody_ended(
    guarded: GuardedManager, inner: FakeContainerManager, what: str, said: str
) -> None:
    with pytest.raises(TaskInterrupted, match=said):
        ends(guarded, what, inner)


@pytest.mark.parametrize("what", ["ours", "left"])
def test_a_build_that_failed(guarded: GuardedManager, inner: FakeContainerManager, what: str) -> None:
    with pytest.raises(BuildFailed):
        ends(guarded, what, inner)


def test_a_build_that_took_too_long(guarded: GuardedManager) -> None:
    with pytest.raises(TaskTimeout), guarded.told(), guarded.running(spec(Role.BUILD)) as container:
        guarded.exec(container, ("/bin/sleep", "9"), Log(), timeout=1.0)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [("full 1024", EngineBroken), ("full 102400", BuildFailed), ("", BuildFailed), ("full x", BuildFailed)],
)
def test_the_operator_has_promised_minspace(
    guarded: GuardedManager, inner: FakeContainerManager, answer: str, fault: type[AdjutantError]
) -> None:
    inner.script(ROOM, CommandResult(output=(("stdout", answer.encode()),)))
    with pytest.raises(fault):
        ends(guarded, "left", inner)


@pytest.mark.parametrize(("written", "fault"), [(400, EngineBroken), (1000, BuildFailed)])
def test_a_tag_has_promised_a_disk_of_a_size(
    guarded: GuardedManager, inner: FakeContainerManager, written: int, fault: type[AdjutantError]
) -> None:
    inner.script(ROOM, CommandResult(output=(("stdout", f"full {written}".encode()),)))
    limited = replace(spec(Role.BUILD), limits=ResourceLimits(disk_bytes=1 << 20))
    with pytest.raises(fault), guarded.told(), guarded.running(limited):
        raise FAULT


def test_a_build_that_found_the_disk_full_for_a_moment(
    guarded: GuardedManager, inner: FakeContainerManager, config: Config
) -> None:
    """It may have written that itself, so it is believed once."""
    said: tuple[Stream, bytes] = (
        "stdout",
        b"cc1: fatal error: error writing to /tmp/x.s: No space left on device\n",
    )
    inner.script(("program",), CommandResult(exit_code=1, output=(said,)))

    def build() -> None:
        with guarded.told(), guarded.running(spec(Role.BUILD)) as container:
            assert guarded.exec(container, ("program",), Log()) == 1
            raise FAULT

    with pytest.raises(TaskInterrupted, match="found the disk full"), interruptions(config, 7):
        build()
    again = GuardedManager(inner, config)
    with (
        pytest.raises(BuildFailed),
        interruptions(config, 7),
        again.told(),
        again.running(spec(Role.BUILD)) as container,
    ):
        again.exec(container, ("program",), Log())
        raise FAULT


def test_a_disk_that_was_full_for_a_moment_and_a_build_that_does_not_say_so(
    guarded: GuardedManager, inner: FakeContainerManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    looked = threading.Event()

    def exec_while_it_is_full(*_arguments: object, **_options: object) -> int:
        assert looked.wait(10)
        time.sleep(0.1)
        return 1

    def upper_of(container: str) -> ContainerInfo | None:
        found = inner.__class__.inspect(inner, container)
        return replace(found, upper_dir=str(tmp_path)) if found else None

    def full(_path: Path) -> bool:
        first = not looked.is_set()
        looked.set()
        return first

    monkeypatch.setattr(room_watch, "is_full", full)
    monkeypatch.setattr(inner, "exec", exec_while_it_is_full)
    monkeypatch.setattr(inner, "inspect", upper_of)
    with (
        pytest.raises(TaskInterrupted, match="found the disk full"),
        guarded.told(),
        guarded.running(spec(Role.BUILD)) as container,
    ):
        assert guarded.exec(container, ("program",), Log()) == 1
        monkeypatch.undo()
        raise FAULT


@pytest.mark.parametrize(
    ("free", "kibibytes", "fault"),
    [(0, 1024, BuildFailed), (0, 512, TaskInterrupted), (1 << 30, 1024, TaskInterrupted)],
)
def test_a_build_that_filled_the_engine_to_the_last_byte(
    config: Config, monkeypatch: pytest.MonkeyPatch, free: int, kibibytes: int, fault: type[AdjutantError]
) -> None:
    upper, away = Path(config.workdir, "diff"), Path(config.workdir, "away")
    for directory in (upper / "builddir", upper / "var/tmp", away):
        directory.mkdir(parents=True)
    (upper / "var/tmp/zeros").write_bytes(bytes(kibibytes << 10))
    (upper / "var/tmp/again").hardlink_to(upper / "var/tmp/zeros")
    (away / "more").write_bytes(bytes(2 << 20))
    (upper / "builddir/link").symlink_to(away)
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_bavail=free, f_frsize=1))
    inner = FakeContainerManager()
    inner.add_image("image:1")
    made = ContainerInfo(id="c", state="running", labels={}, upper_dir=str(upper))
    monkeypatch.setattr(inner, "inspect", lambda _: made)
    guarded = GuardedManager(inner, config)
    limited = replace(spec(Role.BUILD), limits=ResourceLimits(disk_bytes=1 << 20))
    with pytest.raises(fault), guarded.told(), guarded.running(limited):
        raise TaskInterrupted("the engine does not say how a command has ended")
    # An engine that has no room cannot remove it.
    assert bool(list(upper.iterdir())) is bool(free)
    assert (away / "more").exists()


def test_an_engine_too_full_to_be_asked(guarded: GuardedManager, inner: FakeContainerManager) -> None:
    inner.fail_next("exec", EngineBroken("its storage cannot be written"))
    with pytest.raises(TaskInterrupted, match="storage cannot be written"):
        ends(guarded, "left", inner)


def test_an_engine_that_is_gone_when_it_is_asked(
    guarded: GuardedManager, inner: FakeContainerManager
) -> None:
    inner.fail_next("exec", EngineUnavailable("it went away"))
    with pytest.raises(EngineUnavailable, match="it went away"):
        ends(guarded, "left", inner)


@pytest.mark.parametrize(
    ("role", "said", "fault"),
    [
        (Role.SOLVER, b"error: [Errno 28] No space left on device\n", TaskInterrupted),
        (Role.TOOL, b"write failed: No space left on device\n", TaskInterrupted),
        (Role.INSTALLER, b"installing package x-1 needs 5MB more space on the / filesystem\n", EngineBroken),
        (Role.INSTALLER, b"error: unpacking of archive failed: cpio: write failed - No data\n", EngineBroken),
        (Role.INSTALLER, b"error: unpacking of archive failed: cpio: rename failed - Is a\n", BuildFailed),
        (Role.INSTALLER, b"scriptlet failed\n", BuildFailed),
    ],
)
def test_a_program_of_ours_that_finds_no_room(
    guarded: GuardedManager, inner: FakeContainerManager, role: Role, said: bytes, fault: type[AdjutantError]
) -> None:
    inner.script(("program",), CommandResult(exit_code=1, output=(("stderr", said),)))
    with pytest.raises(fault), guarded.told():
        assert guarded.run(spec(role, "program"), Log()) == 1
        raise FAULT


def test_a_program_of_ours_that_somebody_ended(guarded: GuardedManager, inner: FakeContainerManager) -> None:
    inner.script(("program",), CommandResult(exit_code=137))
    with pytest.raises(TaskInterrupted, match="the tool container was killed"):
        guarded.run(spec(Role.TOOL, "program"), Log())
    inner.fail_next("create", EngineError("no such container", status=404))
    with pytest.raises(TaskInterrupted, match="the tool container was removed"):
        guarded.run(spec(Role.TOOL, "program"), Log())


def test_one_that_may_have_wanted_memory_is_put_down_to_that_the_second_time(
    guarded: GuardedManager, inner: FakeContainerManager, config: Config
) -> None:
    """Killed from outside, or by the kernel: not every engine can tell."""
    inner.script(("program",), CommandResult(exit_code=137))
    limited = replace(spec(Role.INSTALLER, "program"), limits=ResourceLimits(memory_bytes=1 << 30))
    with pytest.raises(TaskInterrupted, match="the installer container was killed"), interruptions(config, 7):
        guarded.run(limited, Log())
    assert guarded.run(limited, Log()) == 137
    other = {**limited.labels, TASK: "8"}
    with pytest.raises(TaskInterrupted, match="the installer container was killed"):
        guarded.run(replace(limited, labels=other), Log())
    said = b"the kernel has killed 1 processes for want of memory\n"
    inner.script(("program",), CommandResult(exit_code=137, output=(("stdout", said),)))
    assert guarded.run(replace(limited, labels={**limited.labels, TASK: "9"}), Log()) == 137
