"""Images that cannot be had, and whose fault that is."""

from contextlib import closing
from pathlib import Path

import pytest

from koji_adjutant.container.interface import PullPolicy, Timeouts
from koji_adjutant.container.podman_manager import PodmanManager
from koji_adjutant.errors import (
    EngineTimeout,
    ImagePullError,
)
from tests.unit.container.podman.sockets import SHORT, answering


def test_pull_that_overruns_is_the_engine_s_fault_and_a_refused_one_the_image_s(
    silent: str, tmp_path: Path
) -> None:
    with (
        closing(PodmanManager(silent, SHORT)) as manager,
        pytest.raises(EngineTimeout, match="pull image r/x:1"),
    ):
        manager.ensure_image_available("r/x:1", PullPolicy.ALWAYS)
    with (
        answering(tmp_path / "r", b'{"message": "manifest unknown"}', "500 Sorry") as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(ImagePullError, match=r"r/x:1.*manifest unknown.*registry_auth_file"),
    ):
        manager.ensure_image_available("r/x:1", PullPolicy.ALWAYS)


def test_error_in_the_middle_of_a_pull_is_the_image_s(tmp_path: Path) -> None:
    body = b'{"stream": "Trying to pull"}\n{"error": "unauthorized"}\n{"stream": "bye"}\n'
    with (
        answering(tmp_path / "r", body) as path,
        closing(PodmanManager(path, Timeouts())) as manager,
        pytest.raises(ImagePullError, match=r"r/x:1 cannot be pulled \(policy always\): unauthorized"),
    ):
        manager.ensure_image_available("r/x:1", PullPolicy.ALWAYS)
