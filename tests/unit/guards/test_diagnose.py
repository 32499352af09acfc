"""The rules by which a failure is told, one by one, and their order."""

import errno
from pathlib import Path

import pytest

from koji_adjutant.errors import (
    AdjutantError,
    BuildFailed,
    BuildrootFailed,
    ContentRefused,
    EngineBroken,
    EngineError,
    EngineFailed,
    EngineTimeout,
    EngineUnavailable,
    TaskCanceled,
    TaskInterrupted,
    TaskTimeout,
)
from koji_adjutant.guards import diagnose as rules
from koji_adjutant.guards.diagnose import Evidence, diagnose, diagnosed
from koji_adjutant.host.disks import Disk

DISKS = (Disk(option="workdir", path=Path("/work")),)
INTERRUPTION = TaskInterrupted("somebody ended it")
BOMB = BuildFailed("the build has filled the engine's storage")
LOSS = TaskInterrupted("the disk cannot be watched")
FAULT = BuildFailed("error building package", hint="status 1")
REFUSAL = EngineError("cannot do it", status=500)
BROKEN = EngineBroken("the storage is full")
LATE = EngineTimeout("too late")
FULL = OSError(errno.ENOSPC, "No space left on device", "/work/x")


def fault_of(cause: Exception) -> BuildrootFailed:
    fault = BuildrootFailed("metadata cannot be kept")
    fault.__cause__ = cause
    return fault


def limits(*, has_filled: bool = False, **seen: AdjutantError) -> Evidence:
    return Evidence(limits_hit=["the limit is 40"], has_filled_disk=has_filled, **seen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "seen", "expected"),
    [
        (FAULT, Evidence(), FAULT),
        (LATE, Evidence(), LATE),
        (FAULT, Evidence(interruption=INTERRUPTION), INTERRUPTION),
        (REFUSAL, Evidence(interruption=INTERRUPTION), INTERRUPTION),
        (LATE, Evidence(interruption=INTERRUPTION), LATE),
        (BROKEN, Evidence(bomb=BOMB), BOMB),
        (LATE, Evidence(bomb=BOMB), LATE),
        (FAULT, Evidence(unenforced=LOSS), LOSS),
        (FAULT, Evidence(unenforced=LOSS, interruption=INTERRUPTION), LOSS),
        (FAULT, limits(unenforced=LOSS, interruption=INTERRUPTION), INTERRUPTION),
        (LATE, limits(has_filled=True, interruption=INTERRUPTION), INTERRUPTION),
        (LATE, limits(), LATE),
    ],
)
def test_what_was_seen_decides(error: Exception, seen: Evidence, expected: Exception) -> None:
    assert diagnose(error, seen, DISKS) is expected


@pytest.mark.parametrize(
    ("error", "seen", "kind", "text"),
    [
        (FAULT, limits(), BuildFailed, "error building package; status 1; the limit is 40"),
        (TaskTimeout("too long"), limits(), TaskTimeout, "too long; the limit is 40"),
        (REFUSAL, limits(), BuildFailed, "the build was stopped; the limit is 40"),
        (BROKEN, limits(has_filled=True, bomb=BOMB), BuildFailed, "the build was stopped; the limit is 40"),
        (REFUSAL, Evidence(), EngineFailed, "cannot do it; see the journal of the podman service"),
    ],
)
def test_a_rule_has_words_of_its_own(
    error: Exception, seen: Evidence, kind: type[AdjutantError], text: str
) -> None:
    found = diagnose(error, seen, DISKS)
    assert type(found) is kind
    assert str(found) == text


@pytest.mark.parametrize("error", [FULL, fault_of(FULL)])
@pytest.mark.parametrize("seen", [Evidence(), limits(), Evidence(bomb=BOMB)])
def test_a_full_disk_of_this_host_is_the_operators(error: Exception, seen: Evidence) -> None:
    found = diagnose(error, seen, DISKS)
    assert isinstance(found, TaskInterrupted)
    assert "workdir" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        EngineError("decoding JSON", status=400),
        ContentRefused("refused to copy it"),
        FileNotFoundError(2, "No such file"),
        TaskCanceled("it is canceled"),
        EngineUnavailable("it is away"),
    ],
)
def test_what_no_rule_is_about_stays_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, diagnosed(Evidence(), DISKS):
        raise error
    assert raised.value is error


def test_what_is_told_comes_from_what_failed() -> None:
    with pytest.raises(EngineFailed) as raised, diagnosed(Evidence(), DISKS):
        raise REFUSAL
    assert raised.value.__cause__ is REFUSAL


def test_a_limit_is_said_once() -> None:
    seen = Evidence()
    for sentence in ("a", "b", "a"):
        seen.add_limit(sentence)
    assert seen.limits_hit == ["a", "b"]


def test_words_for_what_is_seen() -> None:
    assert str(rules.engine_filled(3 << 20, 2 << 20)).endswith(
        "it wrote 3 MB or more; 2 MB are for a build (minspace, build_disk)"
    )
    assert rules.container_ended("0123456789abcdef", "was removed").message == (
        "the build container 0123456789ab was removed while the task worked in it"
    )
