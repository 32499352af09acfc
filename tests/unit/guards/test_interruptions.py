"""Tasks that are handed back because of this host, and not for ever."""

import errno
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import (
    BuildFailed,
    BuildrootFailed,
    ContentRefused,
    EngineBroken,
    EngineError,
    EngineFailed,
    EngineTimeout,
    TaskInterrupted,
)
from koji_adjutant.guards.interruptions import MAX_INTERRUPTIONS, interruptions, pause


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "state").mkdir()
    return Config(
        server="http://h", topurls=("http://h",), state_dir=tmp_path / "state", workdir=str(tmp_path)
    )


def end(config: Config, error: Exception, task: int = 7, pauses: list[float] | None = None) -> None:
    with interruptions(config, task, sleep=(pauses if pauses is not None else []).append):
        raise error


def test_a_full_disk_is_no_failure(config: Config) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", f"{config.workdir}/logs/build.log")
    with pytest.raises(TaskInterrupted, match=r"workdir.*no space left.*make room there"):
        end(config, full)
    fault = BuildrootFailed("metadata cannot be kept")
    fault.__cause__ = full
    with pytest.raises(TaskInterrupted):
        end(config, fault)


def test_what_the_engine_refuses_is_no_failure(config: Config) -> None:
    with pytest.raises(
        EngineFailed, match="cannot mount the root: podman says: layer in use; see the journal"
    ):
        end(config, EngineError("cannot mount the root: podman says: layer in use", status=500))
    for _ in range(MAX_INTERRUPTIONS - 1):
        with pytest.raises(EngineFailed):
            end(config, EngineError("the engine's archive is damaged"))
    with pytest.raises(BuildrootFailed, match=r"interrupted 11 times.*the archive is damaged"):
        end(config, EngineError("the archive is damaged"))


@pytest.mark.parametrize(
    "error",
    [
        BuildFailed("error building package"),
        FileNotFoundError(2, "No such file"),
        EngineError("cannot create a container: podman says: decoding JSON", status=400),
        ContentRefused("refused to copy '../x' out of a container"),
    ],
)
def test_what_is_none_of_this_hosts_faults_stays_what_it_is(config: Config, error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        end(config, error)
    assert raised.value is error


def test_one_that_is_interrupted_again_and_again_fails(config: Config) -> None:
    pauses: list[float] = []
    for _ in range(MAX_INTERRUPTIONS):
        with pytest.raises(TaskInterrupted):
            end(config, TaskInterrupted("its container was killed", hint="see the journal"), pauses=pauses)
    with pytest.raises(
        BuildrootFailed, match=r"interrupted 11 times.*its container was killed; see the journal"
    ):
        end(config, TaskInterrupted("its container was killed", hint="see the journal"), pauses=pauses)
    with pytest.raises(TaskInterrupted):
        end(config, TaskInterrupted("its container was killed"), task=8)
    assert pauses == [2, 4, 8, 16, 32, 60, 60]


def test_the_first_times_nobody_waits() -> None:
    assert [pause(count) for count in range(1, 5)] == [0, 0, 0, 2]


def test_one_that_breaks_every_engine_fails(config: Config) -> None:
    for _ in range(MAX_INTERRUPTIONS):
        with pytest.raises(EngineBroken):
            end(config, EngineBroken("the engine's storage became full when packages were installed"))
    with pytest.raises(BuildrootFailed, match=r"interrupted 11 times.*storage became full"):
        end(config, EngineBroken("the engine's storage became full when packages were installed"))
    with pytest.raises(EngineTimeout):
        end(config, EngineTimeout("podman did not finish"))


def test_nothing_is_counted_where_nothing_can_be_written(config: Config) -> None:
    (config.state_dir / "interrupted").write_text("a file")
    for _ in range(MAX_INTERRUPTIONS + 1):
        with pytest.raises(TaskInterrupted):
            end(config, TaskInterrupted("its container was killed"))
