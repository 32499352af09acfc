"""What every ContainerManager does: one suite, run over the fake and over real podman.

Where a command is run, its result is told to the fake and demanded from podman, so that the fake cannot drift.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerManager, ContainerSpec, PullPolicy
from koji_adjutant.container.podman.api import Kind, Request
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import EngineError, ImagePullError, TaskCanceled, TaskTimeout
from tests.contract.containers import (
    IMAGE,
    PATH,
    WORKER,
    Output,
    Subject,
    shell,
    spec,
)
from tests.fakes.containers import (
    KILLED,
    Command,
    CommandResult,
    FakeContainer,
    FakeContainerManager,
    running,
)


def test_exec_gives_exit_code_and_each_stream(subject: Subject) -> None:
    argv = shell("echo out; echo err >&2; exit 3")
    subject.expect(argv, CommandResult(exit_code=3, output=(("stdout", b"out\n"), ("stderr", b"err\n"))))
    output = Output()
    with running(subject.manager, spec()) as container:
        assert subject.manager.exec(container, argv, output) == 3
    assert output.stdout == b"out\n"
    assert output.stderr == b"err\n"


@pytest.mark.parametrize("code", [0, 1, 126, 255])
def test_exit_code_is_the_command_s(subject: Subject, code: int) -> None:
    argv = shell(f"exit {code}")
    subject.expect(argv, CommandResult(exit_code=code))
    with running(subject.manager, spec()) as container:
        assert subject.manager.exec(container, argv, Output()) == code


def test_command_that_is_not_there_ends_with_127(manager_of: ContainerManager) -> None:
    output = Output()
    with running(manager_of, spec()) as container:
        assert manager_of.exec(container, ["/no/such/program"], output) == 127
    assert b"/no/such/program" in output.stdout + output.stderr


def test_standard_input_reaches_the_command(subject: Subject, tmp_path: Path) -> None:
    def echo(container: FakeContainer, command: Command) -> None:
        container.files["/work/seen"] = command.stdin

    argv = shell("cat > /work/seen")
    subject.expect(argv, CommandResult(effect=echo))
    data = bytes(range(256)) * 4096
    with running(subject.manager, spec()) as container:
        assert subject.manager.exec(container, argv, Output(), stdin=data) == 0
        (seen,) = subject.manager.copy_from(container, "/work/seen", tmp_path)
        assert seen.read_bytes() == data


def test_run_gives_all_output_and_the_exit_code_and_removes(subject: Subject) -> None:
    argv = shell("echo out; echo err >&2; exit 7")
    subject.expect(argv, CommandResult(exit_code=7, output=(("stdout", b"out\n"), ("stderr", b"err\n"))))
    output = Output()
    assert subject.manager.run(spec(*argv), output) == 7
    assert (output.stdout, output.stderr) == (b"out\n", b"err\n")
    assert subject.manager.find(WORKER) == ()


def test_run_that_takes_too_long_is_killed_and_removed(manager_of: ContainerManager) -> None:
    with pytest.raises(TaskTimeout, match=r"sleep ran longer than 0\.5 s"):
        manager_of.run(spec(), Output(), timeout=0.5)
    assert manager_of.find(WORKER) == ()


def test_exec_that_takes_too_long_kills_the_container(manager_of: ContainerManager) -> None:
    with running(manager_of, spec()) as container:
        began = time.monotonic()
        with pytest.raises(TaskTimeout, match=r"sleep ran longer than 0\.5 s"):
            manager_of.exec(container, ["/bin/sleep", "60"], Output(), timeout=0.5)
        assert time.monotonic() - began < 10
        assert manager_of.wait(container, 10) == KILLED


def test_stream_logs_gives_what_pid_1_writes(subject: Subject) -> None:
    argv = shell("echo one; echo two >&2")
    subject.expect(argv, CommandResult(output=(("stdout", b"one\n"), ("stderr", b"two\n"))))
    output = Output()
    with running(subject.manager, spec(*argv)) as container:
        subject.manager.stream_logs(container, output)
    assert (output.stdout, output.stderr) == (b"one\n", b"two\n")


def test_wait_gives_the_exit_code_of_pid_1(subject: Subject) -> None:
    argv = shell("exit 5")
    subject.expect(argv, CommandResult(exit_code=5))
    with running(subject.manager, spec(*argv)) as container:
        assert subject.manager.wait(container, 10) == 5


def test_wait_gives_up_at_its_timeout(manager_of: ContainerManager) -> None:
    with running(manager_of, spec()) as container:
        with pytest.raises(TaskTimeout):
            manager_of.wait(container, 0.3)
        assert (found := manager_of.inspect(container))
        assert found.state == "running"


def test_kill_from_another_thread_ends_a_command(manager_of: ContainerManager) -> None:
    with running(manager_of, spec()) as container:
        killer = threading.Timer(0.3, manager_of.kill, [container])
        killer.start()
        assert manager_of.exec(container, ["/bin/sleep", "60"], Output()) == KILLED
        killer.join()


def test_who_is_to_end_begins_nothing_more(manager_of: ContainerManager) -> None:
    with running(manager_of, spec()) as runs, manager_of.created(spec()) as waits:
        manager_of.stop_starting()
        with pytest.raises(TaskCanceled):
            manager_of.create(spec())
        with pytest.raises(TaskCanceled):
            manager_of.start(waits)
        with pytest.raises(TaskCanceled):
            manager_of.exec(runs, ["/bin/true"], Output())
        manager_of.kill(runs)
    assert manager_of.find(WORKER) == ()


def test_states_from_create_to_remove(manager_of: ContainerManager) -> None:
    container = manager_of.create(spec())
    states = [manager_of.inspect(container)]
    manager_of.start(container)
    manager_of.start(container)
    states.append(manager_of.inspect(container))
    manager_of.kill(container)
    manager_of.wait(container, 10)
    states.append(manager_of.inspect(container))
    manager_of.kill(container)
    manager_of.remove(container)
    assert [state.state for state in states if state] == ["created", "running", "exited"]
    assert states[-1]
    assert states[-1].exit_code == KILLED
    assert manager_of.inspect(container) is None


def test_kill_and_remove_of_what_is_gone_do_nothing(manager_of: ContainerManager) -> None:
    with manager_of.created(spec()) as container:
        manager_of.remove(container)
        manager_of.remove(container)
        manager_of.kill(container)


def test_removals_at_once_all_succeed(manager_of: ContainerManager) -> None:
    failures: list[BaseException] = []

    def remove(container: str) -> None:
        try:
            manager_of.remove(container)
        except EngineError as error:
            failures.append(error)

    with running(manager_of, spec()) as container:
        removers = [threading.Thread(target=remove, args=(container,)) for _ in range(4)]
        for remover in removers:
            remover.start()
        for remover in removers:
            remover.join()
        assert manager_of.inspect(container) is None
    assert failures == []


def test_container_that_is_gone_cannot_be_used(manager_of: ContainerManager) -> None:
    with manager_of.created(spec()) as container:
        pass
    with pytest.raises(EngineError):
        manager_of.exec(container, ["/bin/true"], Output())
    with pytest.raises(EngineError):
        manager_of.start(container)


def test_command_needs_a_running_container(manager_of: ContainerManager) -> None:
    with manager_of.created(spec()) as container, pytest.raises(EngineError):
        manager_of.exec(container, ["/bin/true"], Output())


@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_container_is_removed_whatever_ends_the_block(
    manager_of: ContainerManager, kind: type[BaseException]
) -> None:
    with pytest.raises(kind), running(manager_of, spec()):
        raise kind
    assert manager_of.find(WORKER) == ()


def test_find_wants_all_labels(manager_of: ContainerManager) -> None:
    with (
        manager_of.created(spec(own_labels={**WORKER, "role": "build", "text": 'a=b "c"'})) as first,
        manager_of.created(spec(own_labels={**WORKER, "role": "solver"})) as second,
    ):
        assert {found.id for found in manager_of.find(WORKER)} == {first, second}
        (found,) = manager_of.find({**WORKER, "role": "build"})
        assert found.id == first
        assert found.labels["text"] == 'a=b "c"'
        assert manager_of.find({**WORKER, "role": "image"}) == ()


def test_files_go_in_and_come_out(manager_of: ContainerManager, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "below" / "data").write_bytes(bytes(range(256)) * 1000)
    (source / "with space é").write_text("text")
    (tmp_path / "one").write_text("single")
    target = tmp_path / "target"
    target.mkdir()
    with manager_of.created(spec()) as container:
        manager_of.copy_to(container, source, "/work")
        manager_of.copy_to(container, tmp_path / "one", "/work")
        written = manager_of.copy_from(container, "/work/source", target)
        (single,) = manager_of.copy_from(container, "/work/one", target)
        with pytest.raises(EngineError):
            manager_of.copy_from(container, "/no/such", target)
    assert sorted(written) == [target / "below" / "data", target / "with space é"]
    assert (target / "below" / "data").read_bytes() == bytes(range(256)) * 1000
    assert (single, single.read_text()) == (target / "one", "single")


def test_a_container_begins_with_the_files_of_its_spec(manager_of: ContainerManager, tmp_path: Path) -> None:
    wanted = replace(spec(), home="/work/home", files={".a": b"one", "b/c": b"two" * 1000})
    with manager_of.created(wanted) as container:
        manager_of.copy_from(container, "/work/home", tmp_path)
    assert (tmp_path / ".a").read_bytes() == b"one"
    assert (tmp_path / "b/c").read_bytes() == b"two" * 1000


def test_commit_keeps_files_and_labels(manager_of: ContainerManager, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    made = "localhost/committed:1"
    own = {"key": "{k: a b}", "other": "x=y"}
    with manager_of.created(spec()) as container:
        manager_of.copy_to(container, tmp_path / "file", "/work")
        image = manager_of.commit(container, made, own)
    try:
        assert own.items() <= image.labels.items()
        assert [found.id for found in manager_of.find_images(own)] == [image.id]
        assert manager_of.find_images({"key": "other"}) == ()
        with manager_of.created(
            ContainerSpec(image=made, command=("/bin/true",), labels=WORKER, environment=PATH)
        ) as again:
            with pytest.raises(EngineError) as refused:
                manager_of.remove_image(made)
            assert refused.value.status == 409
            (tmp_path / "out").mkdir()
            (out,) = manager_of.copy_from(again, "/work/file", tmp_path / "out")
    finally:
        removed = manager_of.remove_image(made)
    assert out.read_text() == "kept"
    assert removed
    assert not manager_of.remove_image(made)


def test_empty_image_is_made_once(manager_of: ContainerManager) -> None:
    first = manager_of.import_empty_image("localhost/empty-contract:1")
    try:
        assert manager_of.import_empty_image("localhost/empty-contract:1") == first
        with manager_of.created(
            ContainerSpec(image="localhost/empty-contract:1", command=("/x",), labels=WORKER)
        ) as container:
            assert manager_of.mount_root(container).startswith("/")
    finally:
        manager_of.remove_image("localhost/empty-contract:1")


@pytest.mark.parametrize("policy", [PullPolicy.MISSING, PullPolicy.NEVER])
def test_image_that_is_there_needs_no_registry(manager_of: ContainerManager, policy: PullPolicy) -> None:
    image = manager_of.ensure_image_available(IMAGE, policy)
    assert image.digest.startswith("sha256:")
    assert IMAGE in image.names


@pytest.mark.parametrize("policy", list(PullPolicy))
def test_image_that_nobody_has_is_named(manager_of: ContainerManager, policy: PullPolicy) -> None:
    reference = "localhost:1/nowhere:1"
    with pytest.raises(ImagePullError, match=reference):
        manager_of.ensure_image_available(reference, policy)


def test_container_needs_its_image(manager_of: ContainerManager) -> None:
    with pytest.raises(EngineError, match="image not known"):
        manager_of.create(ContainerSpec(image="localhost/none:1", command=("/x",), labels=WORKER))


def test_engine_says_where_it_keeps_things(manager_of: ContainerManager) -> None:
    manager_of.ping()
    assert manager_of.storage_path().is_absolute()


def test_the_version_is_the_one_that_podman_has_by_its_own_account(manager: PodmanManager) -> None:
    """It is read from a header, which costs the engine nothing."""
    asked = Request(purpose="ask for all versions", kind=Kind.START, method="GET", path="/version")
    assert manager.version() == manager.call(asked).json()["Version"]


def test_both_are_container_managers(manager: PodmanManager) -> None:
    managers: list[ContainerManager] = [manager, FakeContainerManager()]
    for each in managers:
        each.ping()


class Told:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.created: list[tuple[str, Mapping[str, str]]] = []
        self.removed: list[str] = []

    def container_created(self, container: str, labels: Mapping[str, str]) -> None:
        self.created.append((container, labels))

    def container_goes(self, container: str) -> None:
        return

    def container_removed(self, container: str) -> None:
        self.removed.append(container)


def test_an_observer_is_told_of_each_container(subject: Subject) -> None:
    told = Told()
    subject.manager.observe(told)
    argv = shell("exit 0")
    subject.expect(argv, CommandResult())
    with subject.manager.created(spec()) as container:
        assert told.created == [(container, spec().labels)]
        assert told.removed == []
    assert told.removed == [container]
    subject.manager.run(spec(*argv), Output())
    assert len(told.created) == 2
    assert told.removed == [known for known, _ in told.created]
