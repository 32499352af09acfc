"""How the scripts of a build are run, and what it means when one does not get far."""

from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from koji_adjutant.container.interface import ContainerSpec
from koji_adjutant.errors import TaskInterrupted
from koji_adjutant.task_adapters.base import TaskContext
from koji_adjutant.task_adapters.rpmbuild import BUILD_LOG, ROOT_LOG, Narrator, Scripts, build_step
from tests.fakes.containers import CommandResult, FakeContainerManager, running
from tests.unit.task_adapters.build_task import SETTINGS, LogTexts, quiet_context


@pytest.fixture
def ctx(tmp_path: Path) -> TaskContext:
    return quiet_context(tmp_path)


def test_arguments_of_the_build_script_are_not_part_of_its_text() -> None:
    step = build_step(SETTINGS, "source", "x86_64", "$(touch x).src.rpm", timeout=5)
    assert step.argv[:2] == ("/bin/bash", "-c")
    assert step.argv[3:] == ("source.sh", "x86_64", "$(touch x).src.rpm")
    assert "touch" not in step.argv[2]


def test_a_build_of_32_bits_sees_a_machine_of_32_bits() -> None:
    step = build_step(SETTINGS, "binary", "i686", "bb", timeout=5)
    assert step.argv[3:] == ("binary.sh", "i686", "bb")
    assert step.environment == {**SETTINGS.environment, "ADJUTANT_MACHINE": "i686"}


@pytest.mark.parametrize(("soft", "text"), [(10240, "10240"), (-1, "unlimited")])
def test_a_build_may_open_as_many_files_as_the_site_says(soft: int, text: str) -> None:
    step = build_step(SETTINGS, "rebuild", "x86_64", timeout=5, open_files=soft)
    assert step.environment == {**SETTINGS.environment, "ADJUTANT_OPEN_FILES": text}


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
    with running(manager, ContainerSpec(image="image:1", command=("sleep",), labels={})) as container:
        scripts = Scripts(ctx=ctx, manager=manager, settings=SETTINGS, narrator=narrator)
        run = partial(scripts.run, container, action, "x86_64")
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
    scripts = Scripts(ctx=ctx, manager=manager, settings=SETTINGS, narrator=narrator)
    run = partial(scripts.run, "c", "binary", "x86_64", "bb")
    if code is None:
        with pytest.raises(TaskInterrupted):
            run()
    else:
        assert run() == code


@pytest.mark.parametrize(
    ("action", "begins_in", "log"),
    [("sources", None, ROOT_LOG), ("srpm", ROOT_LOG, ROOT_LOG), ("srpm", None, BUILD_LOG)],
)
def test_output_that_comes_before_the_name_of_its_phase(
    ctx: TaskContext, action: str, begins_in: str | None, log: str
) -> None:
    manager = FakeContainerManager()
    manager.add_image("image:1")
    said = CommandResult(exit_code=0, output=(("stdout", b"early\n"), ("stderr", b"phase rpmbuild-bs\n")))
    manager.script(("/bin/bash",), said)
    logs = LogTexts()
    narrator = Narrator(ctx, cast("Any", logs))
    with running(manager, ContainerSpec(image="image:1", command=("sleep",), labels={})) as container:
        scripts = Scripts(ctx=ctx, manager=manager, settings=SETTINGS, narrator=narrator)
        assert scripts.run(container, action, "noarch", begins_in=begins_in) == 0
    assert "early" in logs.texts[log]
