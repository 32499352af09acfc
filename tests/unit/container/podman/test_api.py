"""Engines that are not there, do not answer, or answer nonsense: errors that say what to do."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import (
    AdjutantError,
    EngineBroken,
    EngineDamaged,
    EngineError,
    EngineTimeout,
)
from tests.contract.containers import Output, spec
from tests.unit.container.podman.sockets import SHORT, answering


def test_request_that_overruns_names_its_limit(silent: str) -> None:
    with closing(PodmanManager(silent, SHORT)) as manager:
        with pytest.raises(
            EngineTimeout, match=r"cannot create a container.*0\.2 s.*create in container_timeouts"
        ):
            manager.create(spec())
        with pytest.raises(EngineTimeout, match="stop in container_timeouts"):
            manager.remove("x")
        with pytest.raises(EngineTimeout, match="start in container_timeouts"):
            manager.stream_logs("x", Output())
        with pytest.raises(EngineTimeout, match="pull in container_timeouts"):
            manager.commit("x", "localhost/x:1", {})


def test_refusal_has_podman_s_own_words_and_its_status(tmp_path: Path) -> None:
    with (
        answering(
            tmp_path / "r", b'{"message": "no such container", "cause": "none"}', "409 Conflict"
        ) as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(EngineError, match=r"podman says: no such container \(status 409\)") as raised,
    ):
        manager.start("x")
    assert raised.value.status == 409


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("write /storage/x: no space left on device", EngineBroken),
        ("runtime error: invalid memory address or nil pointer dereference", EngineBroken),
        (
            "creating container storage: creating layer: Stat /o/diff: no such file or directory",
            EngineDamaged,
        ),
        ("mounting storage for container x: recreating: open /o: no such file or directory", EngineDamaged),
        ("stat /storage/overlay/abc: no such file or directory", EngineDamaged),
        ("creating container storage: --storage-opt is supported only for overlay over xfs", EngineError),
        ('creating container storage: the container name "x" is already in use', EngineError),
        ("crun: executable file `x` not found: No such file or directory", EngineError),
    ],
)
def test_an_engine_that_is_broken_says_so(tmp_path: Path, words: str, kind: type[AdjutantError]) -> None:
    body = json.dumps({"message": words}).encode()
    with (
        answering(tmp_path / "r", body, "500 Internal Server Error") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(AdjutantError) as raised,
    ):
        manager.start("x")
    assert type(raised.value) is kind
    assert words in str(raised.value)
