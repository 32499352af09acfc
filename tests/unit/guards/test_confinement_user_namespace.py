"""The trial of a user namespace: what the engine's answer says, and what is no answer."""

import pytest

from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.errors import (
    AdjutantError,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    Problem,
    TaskTimeout,
)
from koji_adjutant.guards.confinement import SCRIPT_TEXT, Finding, probe, worker_map
from koji_adjutant.policy.containers import INSTALLER_CAPABILITIES
from tests.fakes.containers import CommandResult, FakeContainerManager

OWNER = Owner(worker="w", task_id=3)
UNKNOWN = "it is unknown whether the engine can have a user namespace: "


@pytest.fixture
def engine() -> FakeContainerManager:
    made = FakeContainerManager()
    made.add_image("task:1")
    return made


def tried(engine: FakeContainerManager, *said: bytes, code: int = 0) -> Finding:
    engine.script(
        ("/bin/bash", "-c", SCRIPT_TEXT),
        CommandResult(exit_code=code, output=tuple(("stdout", data) for data in said)),
    )
    return probe(engine, OWNER, "task:1", worker_map("w"))


def test_a_worker_has_one_map_and_another_has_another() -> None:
    assert worker_map("w") == worker_map("w")
    assert worker_map("w") != worker_map("v")


def test_the_trial_has_what_an_installer_has(engine: FakeContainerManager) -> None:
    assert tried(engine) == Finding(problem=None)
    (made,) = engine.specs
    assert made.capabilities == INSTALLER_CAPABILITIES
    assert made.id_map == worker_map("w")
    assert made.labels == OWNER.labels(Role.TOOL)
    assert made.command[-1] == str(worker_map("w").first)


@pytest.mark.parametrize(
    ("code", "said", "reason", "is_known"),
    [
        (
            1,
            (b"it copies\n", b"the files\n"),
            "the engine cannot have a user namespace: it copies the files",
            True,
        ),
        (2, (), "the engine cannot have a user namespace: the trial ended with 2", True),
        (137, (b"it",), f"{UNKNOWN}the trial was killed (137)", False),
    ],
)
def test_what_the_trial_says(
    engine: FakeContainerManager, code: int, said: tuple[bytes, ...], reason: str, *, is_known: bool
) -> None:
    assert tried(engine, *said, code=code) == Finding(problem=Problem(reason), is_known=is_known)


@pytest.mark.parametrize(
    ("error", "reason", "is_known"),
    [
        (EngineError("no such ids"), "the engine cannot have a user namespace: no such ids", True),
        (EngineTimeout("too late"), f"{UNKNOWN}too late", False),
        (TaskTimeout("too long"), f"{UNKNOWN}too long", False),
    ],
)
def test_what_the_engine_says(
    engine: FakeContainerManager, error: AdjutantError, reason: str, *, is_known: bool
) -> None:
    engine.fail_next("create", error)
    assert tried(engine) == Finding(problem=Problem(reason), is_known=is_known)


def test_an_engine_that_is_away_is_no_answer_at_all(engine: FakeContainerManager) -> None:
    engine.fail_next("create", EngineUnavailable("it is away"))
    with pytest.raises(EngineUnavailable):
        tried(engine)
