"""Containers that are gone, or cannot be made."""

from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.container.interface import Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import (
    EngineError,
    EngineTimeout,
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
