"""How much room an engine has, as a task asks for it: here, or by commands in containers."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from koji_adjutant.config import Config
from koji_adjutant.container.interface import ContainerSpec, ResourceLimits
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.errors import EngineBroken
from koji_adjutant.guards.disk_room import FREE, SCRIPT_TEXT, EngineRoom
from koji_adjutant.host.disks import LEAST_BYTES
from tests.fakes.containers import CommandResult, FakeContainerManager, running

MEBI = 1 << 20
SPEC = ContainerSpec(
    image="image:1", command=("/bin/sleep", "9"), labels=Owner(worker="tests", task_id=7).labels(Role.BUILD)
)


@pytest.fixture
def engine(tmp_path: Path) -> FakeContainerManager:
    made = FakeContainerManager()
    made.add_image("image:1")
    made.storage = tmp_path / "storage"
    return made


@pytest.fixture
def room(engine: FakeContainerManager, tmp_path: Path) -> EngineRoom:
    config = Config(
        server="http://h", topurls=("http://h",), workdir=str(tmp_path), state_dir=tmp_path, minspace=100
    )
    return EngineRoom(engine, config, home="/builddir")


def says(engine: FakeContainerManager, argv: tuple[str, ...], text: str) -> None:
    engine.script(argv, CommandResult(output=(("stdout", text.encode()),)))


@pytest.mark.parametrize(("disk", "promised"), [(None, 100 * MEBI), (10 * MEBI, 10 * MEBI)])
def test_a_promise_is_kept_when_most_of_it_was_written(
    room: EngineRoom, disk: int | None, promised: int
) -> None:
    spec = ContainerSpec(
        image="i", command=("c",), labels={}, limits=ResourceLimits(disk_bytes=disk) if disk else SPEC.limits
    )
    assert room.promised(spec) == promised
    assert room.keeps_promise(promised * 9 // 10, spec)
    assert not room.keeps_promise(promised * 8 // 10, spec)


@pytest.mark.parametrize(
    ("answer", "is_full"), [(f"1 {LEAST_BYTES - 1}", True), (f"1 {LEAST_BYTES}", False), ("nonsense", False)]
)
def test_a_command_inside_says_whether_there_is_room(
    room: EngineRoom, engine: FakeContainerManager, answer: str, *, is_full: bool
) -> None:
    says(engine, FREE, answer)
    with running(engine, SPEC) as container:
        assert room.is_full_inside(container) is is_full
    assert engine.commands[-1].user == "0:0"


@pytest.mark.parametrize(("answer", "written"), [("written 4", 4096), ("written x", None), ("", None)])
def test_a_command_of_the_build_user_says_what_was_written(
    room: EngineRoom, engine: FakeContainerManager, answer: str, written: int | None
) -> None:
    says(engine, ("/bin/bash", "-c", SCRIPT_TEXT), answer)
    with running(engine, SPEC) as container:
        assert room.written_inside(container) == written
    assert engine.commands[-1].argv[-1] == "/builddir"


def test_an_engine_elsewhere_is_asked_by_a_container(room: EngineRoom, engine: FakeContainerManager) -> None:
    for answer, expected in ((f"1 {99 * MEBI}", True), (f"1 {100 * MEBI}", False)):
        says(engine, FREE, answer)
        assert room.lacks(SPEC, None, ()) is expected
    assert engine.specs[-1].labels == Owner(worker="tests", task_id=7).labels(Role.TOOL)
    engine.fail_next("create", EngineBroken("its storage is full"))
    assert room.lacks(SPEC, None, ())
    assert engine.find({}) == ()


def test_a_storage_on_this_machine_is_looked_at(
    room: EngineRoom, engine: FakeContainerManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with running(engine, SPEC) as container:
        assert room.upper_of(container) is None
        assert not room.is_full_here(container)
        upper = engine.storage / container / "diff"
        (upper / "builddir").mkdir(parents=True)
        (upper / "builddir/zeros").write_bytes(bytes(MEBI))
        assert room.upper_of(container) == upper
        assert room.written_here(container, SPEC) == MEBI
        monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_bavail=0, f_frsize=1))
        assert room.is_full_here(container)
        assert room.lacks(SPEC, upper, ())
        monkeypatch.undo()
        room.give_back(container)
        assert list(upper.iterdir()) == []
    assert tmp_path in room.own_places()
