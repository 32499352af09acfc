"""The build container and the narration of what happens in it."""

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from koji_adjutant.buildroot.settings import BuildrootSettings
from koji_adjutant.config import Config
from koji_adjutant.container import labels
from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import BuildFailed, TaskInterrupted
from koji_adjutant.journal import Phase
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.rpmbuild import (
    MESSAGES_LIMIT,
    REQUIRES_LIMIT,
    Narrator,
    build_container_spec,
    build_step,
    run_script,
    stage_home,
)
from tests.fakes.containers import CommandResult, FakeContainerManager

SETTINGS = BuildrootSettings(
    tag_id=2,
    tag_name="dist-build",
    repo_id=7,
    event_id=1,
    arch="x86_64",
    target_arch="x86_64",
    group="build",
    baseurls=("http://127.0.0.1/repo",),
    macros={"%_buildhost": "builder.example", "%dist": ".x1"},
    environment={"PATH": "/usr/bin", "HOME": "/builddir"},
)


class Events:
    """A journal that remembers."""

    def __init__(self) -> None:
        self.phases: list[tuple[Phase, Any]] = []

    def record(
        self, phase: Phase, *, task: int | None = None, container: str = "", **details: object
    ) -> None:
        self.phases.append((phase, details.get("command")))


class LogTexts:
    """TaskLogs that remembers text by log."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def sink(self, name: str) -> "_Sink":
        return _Sink(self.texts, name)

    def heading(self, text: str) -> None:
        self.texts["heading"] = text


@dataclasses.dataclass
class _Sink:
    texts: dict[str, str]
    name: str

    def write(self, stream: str, data: bytes) -> None:
        self.texts[self.name] = self.texts.get(self.name, "") + data.decode()

    def line(self, text: str) -> None:
        self.write("stdout", f"{text}\n".encode())


@pytest.fixture
def ctx(tmp_path: Path) -> TaskContext:
    config = Config(server="http://127.0.0.1/kojihub", topurls=("http://127.0.0.1/x",), state_dir=tmp_path)
    return TaskContext(
        task_id=5,
        parameters={},
        session=cast("Any", None),
        workdir=tmp_path,
        config=config,
        worker="w",
        journal=Events(),
    )


def test_build_container_has_no_privilege(ctx: TaskContext) -> None:
    spec = build_container_spec(ctx, SETTINGS, 3)
    assert (spec.network, spec.capabilities, spec.no_new_privileges, spec.user) == (
        "none",
        frozenset(),
        True,
        "1000:135",
    )
    assert [mount.target for mount in spec.mounts] == ["/dev/shm"]
    assert spec.labels == {
        labels.WORKER: "w",
        labels.ROLE: "build",
        labels.TASK: "5",
        labels.BUILDROOT: "3",
        labels.TAG: "dist-build",
        labels.ARCH: "x86_64",
    }
    assert spec.limits.pids == 32768


def test_arguments_of_the_build_script_are_not_part_of_its_text() -> None:
    step = build_step(SETTINGS, "source", "x86_64", "$(touch x).src.rpm", timeout=5)
    assert step.argv[:2] == ("/bin/bash", "-c")
    assert step.argv[3:] == ("build.sh", "source", "x86_64", "$(touch x).src.rpm")
    assert "touch" not in step.argv[2]


def test_the_home_that_is_copied_in(tmp_path: Path) -> None:
    srpm = tmp_path / "hello-1-1.src.rpm"
    srpm.write_bytes(b"rpm")
    home = stage_home(tmp_path / "stage", SETTINGS, srpm)
    assert home.name == "builddir"
    assert (home / ".rpmmacros").read_text() == "%_buildhost builder.example\n%dist .x1\n"
    assert (home / "build" / "originals" / srpm.name).read_bytes() == b"rpm"


def test_output_goes_to_the_log_of_its_phase(ctx: TaskContext) -> None:
    logs = LogTexts()
    narrator = Narrator(ctx, cast("Any", logs))
    narrator.write("stderr", b"phase un")
    narrator.write("stderr", b"pack\n")
    narrator.write("stdout", b"unpacking\n")
    narrator.write("stderr", b"phase rpmbuild-bs\nsource hello-1-1.src.rpm\n")
    narrator.write("stdout", b"Wrote: x\n")
    narrator.write("stderr", b"result rpmbuild-bs 1\n")
    assert logs.texts["root.log"] == "unpacking\n"
    assert logs.texts["build.log"] == "Wrote: x\n"
    assert (narrator.source, narrator.result, narrator.log_of_failure) == (
        "hello-1-1.src.rpm",
        "rpmbuild-bs 1",
        "build.log",
    )
    states = [line.split(" - ")[1] for line in logs.texts["state.log"].splitlines()]
    assert states == ["Start: unpack", "Finish: unpack", "Start: rpmbuild-bs", "Finish: rpmbuild-bs"]
    assert cast("Events", ctx.journal).phases == [(Phase.RPMBUILD_STARTED, "rpmbuild-bs")]


def test_what_only_looks_like_the_script_fills_no_journal(ctx: TaskContext) -> None:
    logs = LogTexts()
    narrator = Narrator(ctx, cast("Any", logs))
    narrator.write("stderr", b"phase anything\nphase \xff\n" + b"phase rpmbuild-bb\n" * 5000)
    assert len(cast("Events", ctx.journal).phases) < MESSAGES_LIMIT
    narrator.write("stderr", b"x" * 200_000)
    assert len(narrator._partial) < 200_000


def test_a_source_package_that_cannot_be_unpacked_is_explained_in_root_log(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"phase unpack\nresult unpack\n")
    assert narrator.log_of_failure == "root.log"


def test_shared_memory_is_half_of_memory_and_runs_programs(ctx: TaskContext) -> None:
    memory = build_container_spec(ctx, SETTINGS, 3).mounts[0]
    assert (memory.kind, memory.read_only) == ("tmpfs", False)
    (size,) = [int(option.removeprefix("size=")) for option in memory.options if option.startswith("size=")]
    assert size == max(1 << 30, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2)
    assert "noexec" not in memory.options


def test_a_build_of_32_bits_sees_a_machine_of_32_bits() -> None:
    step = build_step(SETTINGS, "binary", "i686", "bb", timeout=5)
    assert step.argv[3:] == ("build.sh", "binary", "i686", "bb")
    assert step.environment == {**SETTINGS.environment, "ADJUTANT_MACHINE": "i686"}


def test_requirements_are_those_of_the_last_source_package(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"source a.src.rpm\nrequire gcc >= 4\nrequire (a or b)\n")
    assert narrator.requires == ["gcc >= 4", "(a or b)"]
    narrator.write("stderr", b"source b.src.rpm\n" + b"require x\n" * 10_000)
    assert narrator.requires == ["x"] * 10_000


def test_endless_requirements_are_refused(ctx: TaskContext) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    line = b"require " + b"x" * 50_000 + b"\n"
    with pytest.raises(BuildFailed, match="BuildRequires"):
        for _ in range(REQUIRES_LIMIT // 50_000 + 1):
            narrator.write("stderr", line)


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ("rpmbuild-bb 1", 1),
        ("rpmbuild-ba 11", 11),
        ("rpmbuild-br 1", 10),
        ("unpack", 40),
        ("srpm", 40),
        ("rpmbuild-bb 99999", 1),
        ("", 1),
    ],
)
def test_a_build_that_fails_ends_as_mocks_does(ctx: TaskContext, result: str, status: int) -> None:
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", f"result {result}\n".encode())
    assert narrator.status == status


@pytest.mark.parametrize(
    ("action", "said", "is_interrupted"),
    [
        ("source", b"", True),
        ("rebuild", b"", True),
        ("source", b"phase unpack\n", False),
        ("binary", b"", False),
    ],
)
def test_a_script_that_does_not_begin_is_no_fault_of_the_package(
    ctx: TaskContext, action: str, said: bytes, is_interrupted: bool
) -> None:
    manager = FakeContainerManager()
    manager.add_image("image:1")
    manager.script(("/bin/bash",), CommandResult(exit_code=1, output=(("stderr", said),)))
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    with manager.running(ContainerSpec(image="image:1", command=("sleep",), labels={})) as container:
        run = partial(run_script, ctx, manager, container, SETTINGS, narrator, action, "x86_64")
        if is_interrupted:
            with pytest.raises(TaskInterrupted, match="ended with status 1 before it began"):
                run()
        else:
            assert run() == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"result built\n", 0),
        (b"result missing\n", 20),
        (b"result rpmbuild-bb 1\n", 10),
        (b"phase unpack\n", None),
    ],
)
def test_a_script_whose_end_the_engine_has_forgotten_has_had_its_say(
    ctx: TaskContext, monkeypatch: pytest.MonkeyPatch, said: bytes, code: int | None
) -> None:
    manager = FakeContainerManager()
    manager.add_image("image:1")
    narrator = Narrator(ctx, cast("Any", LogTexts()))
    narrator.write("stderr", b"result built\n")

    def forget(_container: str, _argv: object, sink: Narrator, **_options: object) -> int:
        sink.write("stderr", said)
        raise TaskInterrupted("the engine does not say how a command has ended")

    monkeypatch.setattr(manager, "exec", forget)
    run = partial(run_script, ctx, manager, "c", SETTINGS, narrator, "binary", "x86_64", "bb")
    if code is None:
        with pytest.raises(TaskInterrupted):
            run()
    else:
        assert run() == code
