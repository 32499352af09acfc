"""The table of options."""

from pathlib import Path
from typing import Any

from koji_adjutant.config.options import default_socket


def test_where_the_socket_is_looked_for(mocker: Any) -> None:
    assert default_socket({"CONTAINER_HOST": "unix:///c.sock"}) == Path("/c.sock")
    mocker.patch("os.geteuid", return_value=1000)
    assert default_socket({"XDG_RUNTIME_DIR": "/run/user/1000"}) == Path("/run/user/1000/podman/podman.sock")
    mocker.patch("os.geteuid", return_value=0)
    assert default_socket({"XDG_RUNTIME_DIR": "/run/user/0"}) == Path("/run/podman/podman.sock")
