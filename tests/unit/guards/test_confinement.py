"""What holds containers in, by what the engine has."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from koji_adjutant.config import Config
from koji_adjutant.config.build_mounts import BuildMount
from koji_adjutant.container.interface import IdMap
from koji_adjutant.container.labels import Owner, Role
from koji_adjutant.errors import EngineError, EngineTimeout, TaskTimeout
from koji_adjutant.guards.confinement import (
    DIRECTORY,
    FRESH,
    SECCOMP,
    Containment,
    containment,
    task_containment,
    worker_map,
)
from tests.fakes.containers import CommandResult, FakeContainerManager

PROFILE = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["clone"], "action": "SCMP_ACT_ALLOW"}]}


class Engine(FakeContainerManager):
    """One with a seccomp profile."""

    def __init__(self, profile: str) -> None:
        super().__init__()
        self.profile = profile
        self.asked = 0

    def seccomp_profile(self) -> str:
        self.asked += 1
        return self.profile


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(server="http://h/hub", topurls=("http://h/files",), state_dir=tmp_path / "state")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    (tmp_path / "default.json").write_text(json.dumps(PROFILE))
    return Engine(str(tmp_path / "default.json"))


def test_a_profile_for_the_engine_to_read(config: Config, engine: Engine) -> None:
    made = containment(config, engine)
    assert made.seccomp_profile == str(config.cache_dir / DIRECTORY / "seccomp-build.json")
    written = Path(made.seccomp_profile)
    assert written.stat().st_mode & 0o777 == 0o644
    assert "personality" in written.read_text()
    assert made.notes == (
        ("seccomp profile", f"{engine.profile}, any personality, new user namespaces refused"),
    )


def test_it_is_written_when_it_changes(config: Config, engine: Engine) -> None:
    written = Path(containment(config, engine).seccomp_profile)
    first = written.stat().st_ino
    containment(config, engine)
    assert written.stat().st_ino == first
    Path(engine.profile).write_text(json.dumps({**PROFILE, "defaultErrnoRet": 1}))
    containment(config, engine)
    assert json.loads(written.read_bytes())["defaultErrnoRet"] == 1
    written.write_text("cut o")
    containment(config, engine)
    assert json.loads(written.read_bytes())["defaultErrnoRet"] == 1


def test_it_is_there_at_every_moment(config: Config, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Path(containment(config, engine).seccomp_profile)
    written.write_text("cut o")
    unlinked: list[Path] = []
    unlink = Path.unlink

    def watch(path: Path, missing_ok: bool = False) -> None:
        unlinked.append(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", watch)
    containment(config, engine)
    assert json.loads(written.read_bytes())["syscalls"]
    assert written not in unlinked


def test_privileged_builds_have_another(config: Config, engine: Engine) -> None:
    made = containment(config, engine, frozenset({"user_namespaces"}))
    assert made.seccomp_profile != containment(config, engine).seccomp_profile
    assert "user namespaces as it has them" in made.notes[0][1]


def test_the_engine_is_asked_once_an_hour(config: Config, engine: Engine) -> None:
    for _ in range(3):
        containment(config, engine)
    assert engine.asked == 1
    known = config.cache_dir / DIRECTORY / SECCOMP
    kept = json.loads(known.read_text())
    known.write_text(json.dumps({**kept, "since_boot": kept["since_boot"] - FRESH - 1}))
    containment(config, engine)
    assert engine.asked == 2


@pytest.mark.parametrize("jump", [-FRESH * 2, -FRESH / 2, FRESH * 2])
def test_the_hour_is_none_of_the_time_of_day(
    config: Config, engine: Engine, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    containment(config, engine)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + jump)
    containment(config, engine)
    assert engine.asked == 1


def test_what_an_earlier_version_kept_is_asked_again(config: Config, engine: Engine) -> None:
    known = config.cache_dir / DIRECTORY / SECCOMP
    known.parent.mkdir(parents=True)
    known.write_text(json.dumps("/elsewhere/default.json"))
    assert containment(config, engine).notes[0][1].startswith(engine.profile)


def test_paths_of_an_engine_that_sees_others(config: Config, engine: Engine, tmp_path: Path) -> None:
    elsewhere = replace(config, host_mount_map=((str(tmp_path), "/of/engine"),))
    engine.profile = "/of/engine/default.json"
    made = containment(elsewhere, engine)
    assert made.seccomp_profile == f"/of/engine/state/cache/{DIRECTORY}/seccomp-build.json"


@pytest.mark.parametrize("content", [None, "{", "{}", "[]"])
def test_a_profile_that_cannot_be_read(config: Config, engine: Engine, content: str | None) -> None:
    Path(engine.profile).unlink()
    if content is not None:
        Path(engine.profile).write_text(content)
    made = containment(config, engine)
    assert made.seccomp_profile == ""
    ((_, note),) = made.notes
    assert note.startswith("the engine's own, because it cannot be read here: ")


def test_an_engine_without_seccomp(config: Config) -> None:
    made = containment(config, Engine(""))
    assert made == Containment(notes=(("seccomp profile", "none: the engine has no seccomp"),))


OWNER = Owner(worker="w", task_id=3)


def of_task(config: Config, engine: Engine) -> tuple[IdMap | None, str]:
    made = task_containment(config, engine, owner=OWNER, image="task:1")
    note = dict(made.notes)["user namespace"]
    return made.id_map, note


@pytest.fixture
def trial(engine: Engine) -> Engine:
    """An engine that can have a user namespace, as its trial container says."""
    engine.add_image("task:1")
    engine.script(["/bin/bash"], CommandResult())
    return engine


def test_a_user_namespace_where_the_engine_can(config: Config, trial: Engine) -> None:
    own = worker_map("w")
    for _ in range(2):
        assert of_task(config, trial) == (own, f"host ids {own.first} to {own.first + 65535}")
    (tried,) = trial.specs
    assert tried.id_map == own
    assert tried.labels == OWNER.labels(Role.TOOL)
    assert own.first >= 1 << 30
    assert own.first + own.size < 1 << 31


def test_none_where_it_cannot(config: Config, trial: Engine) -> None:
    trial.script(["/bin/bash"], CommandResult(exit_code=1, output=(("stdout", b"it copies the files\n"),)))
    for _ in range(2):
        assert of_task(config, trial) == (
            None,
            "none: the engine cannot have a user namespace: it copies the files",
        )
    assert len(trial.specs) == 1


def test_none_where_it_refuses(config: Config, trial: Engine) -> None:
    trial.fail_next("create", EngineError("no such ids"))
    assert of_task(config, trial) == (None, "none: the engine cannot have a user namespace: no such ids")


def a_slow_one(trial: Engine) -> None:
    trial.fail_next("create", TaskTimeout("the trial ran for longer than 30 seconds"))


def an_engine_that_is_slow(trial: Engine) -> None:
    trial.fail_next("create", EngineTimeout("no answer for 60 seconds"))


def a_killed_one(trial: Engine) -> None:
    trial.script(["/bin/bash"], CommandResult(exit_code=137))


@pytest.mark.parametrize("happens", [a_slow_one, an_engine_that_is_slow, a_killed_one])
def test_the_next_task_asks_again(config: Config, trial: Engine, happens: Callable[[Engine], None]) -> None:
    happens(trial)
    id_map, note = of_task(config, trial)
    assert id_map is None
    assert "it is unknown" in note
    trial.script(["/bin/bash"], CommandResult())
    assert of_task(config, trial)[0] == worker_map("w")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("no", (None, "none: user_namespace is no")),
        (IdMap(first=500000, size=70000), (IdMap(first=500000, size=70000), "host ids 500000 to 569999")),
    ],
)
def test_a_user_namespace_that_is_said(
    config: Config, engine: Engine, option: object, expected: object
) -> None:
    said = replace(config, user_namespace=cast("str | IdMap", option))
    assert of_task(said, engine) == expected
    assert engine.specs == []


def test_none_by_itself_with_mounts_of_the_host(config: Config, trial: Engine) -> None:
    mounted = replace(config, build_mounts=(BuildMount(source="/ccache", target="/ccache"),))
    assert of_task(mounted, trial) == (None, "none: build_mounts are set")
    assert of_task(replace(mounted, user_namespace="yes"), trial)[0] == worker_map("w")
