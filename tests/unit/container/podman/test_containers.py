"""Containers that are gone, or cannot be made."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from koji_adjutant.container.interface import ContainerSpec, ResourceLimits, Timeouts
from koji_adjutant.container.podman import containers
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import (
    EngineError,
    EngineTimeout,
    LimitsUnavailable,
)
from tests.contract.containers import spec
from tests.unit.container.podman.sockets import SHORT, answering


def test_creation_that_overruns_leaves_its_error_and_says_that_removal_failed_too(silent: str) -> None:
    with (
        closing(PodmanManager(silent, SHORT)) as manager,
        pytest.raises(EngineTimeout, match="cannot create") as raised,
        manager.created(spec()),
    ):
        raise AssertionError
    assert any("cannot remove" in note for note in raised.value.__notes__)


@pytest.mark.parametrize("method", ["inspect", "remove"])
def test_a_container_that_goes_while_it_is_asked_about_is_gone(tmp_path: Path, method: str) -> None:
    body = b'{"message": "container x does not exist in database: no such container"}'
    with (
        answering(tmp_path / "r", body, "500 Internal Server Error") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
    ):
        assert getattr(manager, method)("x") is None


@pytest.mark.parametrize("method", ["inspect", "remove"])
def test_another_failure_is_no_answer_about_a_container(tmp_path: Path, method: str) -> None:
    with (
        answering(tmp_path / "r", b'{"message": "database is locked"}', "500 Internal Server Error") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineError, match="database is locked"),
    ):
        getattr(manager, method)("x")


def test_a_container_that_goes_while_its_limits_are_looked_at_lacks_none(tmp_path: Path) -> None:
    body = b'{"message": "no such container"}'
    with (
        answering(tmp_path / "r", body, "404 Not Found") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
    ):
        assert not containers.dropped_limits(manager, "c", limited_spec().limits)


def test_a_limit_that_an_engine_under_load_leaves_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The container goes before anything has run in it."""
    removed: list[str] = []
    made, looks = iter(["c1", "c2"]), iter([["memory"], []])
    monkeypatch.setattr(containers, "create_named", lambda *_, **__: next(made))
    monkeypatch.setattr(containers, "remove", lambda _, container: removed.append(container))
    monkeypatch.setattr(containers, "dropped_limits", lambda *_: next(looks))
    with closing(PodmanManager("/nowhere", Timeouts())) as manager:
        assert manager.create(limited_spec()) == "c2"
    assert removed == ["c1"]


def test_a_container_whose_limits_cannot_be_looked_at_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []

    def look(*_: object) -> list[str]:
        raise EngineTimeout("slow")

    monkeypatch.setattr(containers, "create_named", lambda *_, **__: "c1")
    monkeypatch.setattr(containers, "remove", lambda _, container: removed.append(container))
    monkeypatch.setattr(containers, "dropped_limits", look)
    with closing(PodmanManager("/nowhere", Timeouts())) as manager, pytest.raises(EngineTimeout):
        manager.create(limited_spec())
    assert removed == ["c1"]


ASKED = {"memory": "limits of the builder", "cpus": "adjutant.limits of tag f40"}


def limited_spec() -> ContainerSpec:
    return replace(spec(), limits=ResourceLimits(memory_bytes=1 << 30, cpus=1.5, pids=99, asked=ASKED))


def kept(**limits: int) -> bytes:
    """What an engine answers of a container that has these limits, whatever it is asked, before it hangs up."""
    body = json.dumps({"Id": "c" * 64, "HostConfig": limits}).encode()
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (
            {"Memory": 0, "NanoCpus": 0, "PidsLimit": 0},
            r"cannot limit memory \(limits of the builder\), cpus \(adjutant.limits of tag f40\); take the limit",
        ),
        ({"Memory": 1 << 30, "NanoCpus": 0}, r"cannot limit cpus \(adjutant.limits of tag f40\); "),
    ],
)
def test_a_limit_that_is_left_out(tmp_path: Path, limits: dict[str, int], words: str) -> None:
    """As podman does without control groups of its own: nobody has asked for one of pids, which may go."""
    with (
        answering(tmp_path / "r", b"", raw=kept(**limits)) as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(LimitsUnavailable, match=words),
    ):
        manager.create(limited_spec())


def test_limits_that_are_kept(tmp_path: Path) -> None:
    raw = kept(Memory=1 << 30, NanoCpus=1_500_000_000, PidsLimit=99)
    with (
        answering(tmp_path / "r", b"", raw=raw) as path,
        closing(PodmanManager(path, Timeouts())) as manager,
    ):
        assert manager.create(limited_spec()) == "c" * 64


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("crun: the requested cgroup controller `memory` is not available: OCI runtime error", "memory"),
        ("runc: cannot set pids limit: container could not join or create cgroup: OCI runtime error", "pids"),
    ],
)
def test_a_runtime_without_a_controller(tmp_path: Path, said: str, kind: str) -> None:
    body = json.dumps({"message": said}).encode()
    with (
        answering(tmp_path / "r", body, "500 Internal Server Error") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(LimitsUnavailable, match=f"the engine cannot limit {kind}: podman says: "),
    ):
        manager.start("c")
