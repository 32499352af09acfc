"""What is done to the containers of a task from outside, and what the task does itself."""

import threading
from collections.abc import Callable
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
from koji_adjutant.guards import disk_room
from koji_adjutant.guards.disk_room import FREE, SCRIPT_TEXT
from koji_adjutant.guards.interruptions import interruptions
from tests.fakes.containers import Command, CommandResult, FakeContainer, FakeContainerManager, running
from tests.fakes.guards import Aware
from tests.unit.task_adapters.conftest import Log
from tests.waiting import PATIENCE

ROOM = ("/bin/bash", "-c", SCRIPT_TEXT)
FAULT = BuildFailed("error building package")
MINSPACE = 100
SAID: tuple[Stream, bytes] = ("stdout", b"cc1: error writing to /tmp/x.s: No space left on device\n")


def disk(free: int, words: str = "") -> CommandResult:
    """What `stat` says of a disk with so many bytes free, or some command its words."""
    return CommandResult(output=(("stdout", words.encode() if words else f"1024 {free >> 10}\n".encode()),))


def spec(role: Role, *command: str) -> ContainerSpec:
    labels = Owner(worker="tests", task_id=7).labels(role)
    return ContainerSpec(image="image:1", command=command or ("/bin/sleep", "infinity"), labels=labels)


@pytest.fixture
def inner() -> FakeContainerManager:
    made = FakeContainerManager({ROOM: CommandResult(), FREE: disk(1 << 40)})
    made.add_image("image:1")
    return made


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://h", topurls=("http://h",), workdir=str(tmp_path), state_dir=tmp_path, minspace=MINSPACE
    )


@pytest.fixture
def guarded(inner: FakeContainerManager, config: Config) -> Aware:
    return Aware(inner, config)


def ends(guarded: Aware, what: str, inner: FakeContainerManager) -> None:
    """A build whose container is killed, removed or left as it is, and that fails then."""
    with guarded.diagnosed(), running(guarded, spec(Role.BUILD)) as container:
        if what == "ours":
            guarded.kill(container)
        elif what != "left":
            getattr(inner, what)(container)
        raise FAULT


@pytest.mark.parametrize(("what", "said"), [("kill", "was ended from outside"), ("remove", "was removed")])
def test_a_build_whose_container_somebody_ended(
    guarded: Aware, inner: FakeContainerManager, what: str, said: str
) -> None:
    with pytest.raises(TaskInterrupted, match=said):
        ends(guarded, what, inner)


@pytest.mark.parametrize("what", ["ours", "left"])
def test_a_build_that_failed(guarded: Aware, inner: FakeContainerManager, what: str) -> None:
    with pytest.raises(BuildFailed):
        ends(guarded, what, inner)


def test_a_build_that_took_too_long(guarded: Aware) -> None:
    with pytest.raises(TaskTimeout), guarded.diagnosed(), running(guarded, spec(Role.BUILD)) as container:
        guarded.exec(container, ("/bin/sleep", "9"), Log(), timeout=1.0)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("written 1024", EngineBroken),
        ("written 102400", BuildFailed),
        ("written", BuildFailed),
        ("written x", BuildFailed),
    ],
)
def test_the_operator_has_promised_minspace(
    guarded: Aware, inner: FakeContainerManager, answer: str, fault: type[AdjutantError]
) -> None:
    inner.script(FREE, disk(1 << 20))
    inner.script(ROOM, disk(0, answer))
    with pytest.raises(fault):
        ends(guarded, "left", inner)


def test_what_a_build_leaves_running_cannot_answer_for_the_disk(
    guarded: Aware, inner: FakeContainerManager
) -> None:
    """It may write to the output of every process of its own user."""
    inner.script(ROOM, disk(0, "written 0"))
    with pytest.raises(BuildFailed):
        ends(guarded, "left", inner)
    asked = [command.user for command in inner.commands if command.argv[0] == FREE[0]]
    assert asked == ["0:0"]


@pytest.mark.parametrize(
    ("code", "fault"), [(137, TaskInterrupted), (126, BuildFailed), (-1, TaskInterrupted)]
)
def test_a_pid_1_that_ends_by_itself_was_not_ended_from_outside(
    guarded: Aware, inner: FakeContainerManager, code: int, fault: type[AdjutantError]
) -> None:
    with pytest.raises(fault), guarded.diagnosed(), running(guarded, spec(Role.BUILD)) as container:
        inner.container(container).end(code)
        raise FAULT


@pytest.mark.parametrize(("written", "fault"), [(400, EngineBroken), (1000, BuildFailed)])
def test_a_tag_has_promised_a_disk_of_a_size(
    guarded: Aware, inner: FakeContainerManager, written: int, fault: type[AdjutantError]
) -> None:
    inner.script(FREE, disk(1 << 20))
    inner.script(ROOM, disk(0, f"written {written}"))
    limited = replace(spec(Role.BUILD), limits=ResourceLimits(disk_bytes=1 << 20))
    with pytest.raises(fault), guarded.diagnosed(), running(guarded, limited):
        raise FAULT


def test_a_build_that_found_the_disk_full_for_a_moment(
    guarded: Aware, inner: FakeContainerManager, config: Config
) -> None:
    """It may have written that itself, so it is believed once."""
    asked: list[int] = []

    def tell(_own: FakeContainer, _command: Command) -> None:
        # Full when the program says so, with room again when it has failed.
        asked.append(1)
        inner.script(FREE, disk(1 << 40))

    def build() -> None:
        full = replace(disk(1 << 20), effect=tell)
        inner.script(FREE, full)
        with guarded.diagnosed(), running(guarded, spec(Role.BUILD)) as container:
            assert guarded.exec(container, ("program",), Log()) == 1
            assert asked
            raise FAULT

    inner.script(("program",), CommandResult(exit_code=1, output=(SAID,)))

    with pytest.raises(TaskInterrupted, match="found the disk full"), interruptions(config, 7):
        build()
    guarded = Aware(inner, config)
    with pytest.raises(BuildFailed), interruptions(config, 7):
        build()


def test_a_build_that_only_says_that_the_disk_is_full(guarded: Aware, inner: FakeContainerManager) -> None:
    inner.script(("program",), CommandResult(exit_code=1, output=(SAID,) * 1000))
    with pytest.raises(BuildFailed), guarded.diagnosed(), running(guarded, spec(Role.BUILD)) as container:
        assert guarded.exec(container, ("program",), Log()) == 1
        raise FAULT
    assert len([command for command in inner.commands if command.argv[0] == FREE[0]]) < 10


class Look:
    """What a watch finds at its first look; it ends when it finds no room."""

    def __init__(self, is_full: Callable[[Path], bool]) -> None:
        self._is_full = is_full
        self._looked = threading.Event()
        self._watch: threading.Thread | None = None

    def __call__(self, path: Path) -> bool:
        if self._looked.is_set() or not self._is_full(path):
            return False
        self._watch = threading.current_thread()
        self._looked.set()
        return True

    def wait_for_end(self) -> None:
        assert self._looked.wait(PATIENCE)
        assert self._watch
        self._watch.join(PATIENCE)


def test_a_disk_that_was_full_for_a_moment_and_a_build_that_does_not_say_so(
    guarded: Aware, inner: FakeContainerManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = Look(lambda _: True)

    def exec_while_it_is_full(*_arguments: object, **_options: object) -> int:
        full.wait_for_end()
        return 1

    def upper_of(container: str) -> ContainerInfo | None:
        found = inner.__class__.inspect(inner, container)
        return replace(found, upper_dir=str(tmp_path)) if found else None

    monkeypatch.setattr(disk_room, "is_full", full)
    monkeypatch.setattr(inner, "exec", exec_while_it_is_full)
    monkeypatch.setattr(inner, "inspect", upper_of)
    with (
        pytest.raises(TaskInterrupted, match="found the disk full"),
        guarded.diagnosed(),
        running(guarded, spec(Role.BUILD)) as container,
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
    guarded = Aware(inner, config)
    limited = replace(spec(Role.BUILD), limits=ResourceLimits(disk_bytes=1 << 20))
    with pytest.raises(fault), guarded.diagnosed(), running(guarded, limited):
        raise TaskInterrupted("the engine does not say how a command has ended")
    # An engine that has no room cannot remove it.
    assert bool(list(upper.iterdir())) is bool(free)
    assert (away / "more").exists()


def test_an_engine_too_full_to_be_asked(guarded: Aware, inner: FakeContainerManager) -> None:
    inner.fail_next("exec", EngineBroken("its storage cannot be written"))
    with pytest.raises(TaskInterrupted, match="storage cannot be written"):
        ends(guarded, "left", inner)


def test_an_engine_that_is_gone_when_it_is_asked(guarded: Aware, inner: FakeContainerManager) -> None:
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
def test_a_program_of_ours_that_finds_no_room(  # noqa: PLR0917 - what pytest puts in
    guarded: Aware,
    inner: FakeContainerManager,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    role: Role,
    said: bytes,
    fault: type[AdjutantError],
) -> None:
    inner.script(("program",), CommandResult(exit_code=1, output=(("stderr", said),)))
    inner.script(FREE, disk((MINSPACE << 20) - 1024))
    with pytest.raises(fault), guarded.diagnosed():
        assert guarded.run(spec(role, "program"), Log()) == 1
        raise FAULT
    # With as much room as is kept free for a task, nobody is believed who says that there is none.
    inner.script(FREE, disk(MINSPACE << 20))
    monkeypatch.setattr("koji_adjutant.guards.disk_room.free_bytes", lambda _path: MINSPACE << 20)
    again = Aware(inner, config)
    with pytest.raises(BuildFailed), again.diagnosed():
        assert again.run(spec(role, "program"), Log()) == 1
        raise FAULT


def test_an_engine_without_room_for_the_look(guarded: Aware, inner: FakeContainerManager) -> None:
    def fills(_own: FakeContainer, _command: Command) -> None:
        inner.fail_next("create", EngineBroken("its storage cannot be written"))

    inner.script(("program",), CommandResult(exit_code=1, output=(SAID,), effect=fills))
    with pytest.raises(EngineBroken, match="became full"), guarded.diagnosed():
        assert guarded.run(spec(Role.INSTALLER, "program"), Log()) == 1
        raise FAULT


def test_a_disk_that_was_full_while_packages_were_installed(
    guarded: Aware, inner: FakeContainerManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """rpm removes what it could not write: then there is room again."""
    made = ContainerInfo(id="c", state="running", labels={}, upper_dir=str(tmp_path))
    inner.script(("program",), CommandResult(exit_code=1, output=(SAID,)))
    monkeypatch.setattr(disk_room, "is_full", lambda path: path == tmp_path)
    with (
        pytest.raises(EngineBroken, match="became full"),
        guarded.diagnosed(),
        running(guarded, spec(Role.BUILD)),
    ):
        monkeypatch.setattr(inner, "inspect", lambda _: made)
        assert guarded.run(spec(Role.INSTALLER, "program"), Log()) == 1
        monkeypatch.setattr(disk_room, "is_full", lambda _path: False)
        raise FAULT


@pytest.mark.parametrize("words", [SAID, ("stderr", b"database or disk is full\n")])
@pytest.mark.parametrize("role", [Role.SOLVER, Role.TOOL])
def test_a_disk_of_ours_that_was_full_while_a_program_of_ours_ran(  # noqa: PLR0917 - what pytest puts in
    guarded: Aware,
    inner: FakeContainerManager,
    config: Config,
    monkeypatch: pytest.MonkeyPatch,
    role: Role,
    words: tuple[Stream, bytes],
) -> None:
    """It has room again when the program has failed; and not every library has the same word for it."""
    full = Look(lambda path: path == config.cache_dir)
    monkeypatch.setattr(disk_room, "is_full", full)
    monkeypatch.setattr("koji_adjutant.guards.disk_room.free_bytes", lambda _path: 1 << 60)

    def takes_its_time(_own: FakeContainer, _command: Command) -> None:
        full.wait_for_end()

    inner.script(("program",), CommandResult(exit_code=1, output=(words,), effect=takes_its_time))
    with pytest.raises(TaskInterrupted, match="no space left for the"):
        guarded.run(spec(role, "program"), Log())


def test_a_program_of_ours_that_somebody_ended(guarded: Aware, inner: FakeContainerManager) -> None:
    inner.script(("program",), CommandResult(exit_code=137))
    with pytest.raises(TaskInterrupted, match="the tool container was killed"):
        guarded.run(spec(Role.TOOL, "program"), Log())
    inner.fail_next("create", EngineError("no such container", status=404))
    with pytest.raises(TaskInterrupted, match="the tool container was removed"):
        guarded.run(spec(Role.TOOL, "program"), Log())


def test_one_that_may_have_wanted_memory_is_put_down_to_that_the_second_time(
    guarded: Aware, inner: FakeContainerManager, config: Config
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
