"""What of the hub's volume a container is shown."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.policy.containers import own_user
from koji_adjutant.task_adapters.topdir import topdir_mounts


def targets(config: Config) -> list[str]:
    return [mount.target for mount in topdir_mounts(config)]


def test_plain_topdir(config: Config, topdir: Path) -> None:
    assert targets(config) == [str(topdir)]


def test_links_out_of_the_topdir(config: Config, topdir: Path, tmp_path: Path) -> None:
    for name in ("repos-disk", "vol-one", "vol-two/packages"):
        (tmp_path / name).mkdir(parents=True)
    (topdir / "repos").rmdir()
    (topdir / "repos").symlink_to("../repos-disk")
    (topdir / "vol/two").mkdir(parents=True)
    (topdir / "vol/one").symlink_to(tmp_path / "vol-one")
    (topdir / "vol/two/packages").symlink_to(tmp_path / "vol-two/packages")
    (topdir / "work").symlink_to("vol/one")
    (topdir / "scratch").symlink_to(tmp_path / "not-there")
    expected = [topdir, tmp_path / "repos-disk", tmp_path / "vol-one", tmp_path / "vol-two/packages"]
    assert targets(config) == [str(path) for path in expected]


def test_link_in_a_circle(config: Config, topdir: Path) -> None:
    (topdir / "work").symlink_to("scratch")
    (topdir / "scratch").symlink_to("work")
    assert targets(config) == [str(topdir)]


def test_engine_sees_other_paths(config: Config, topdir: Path) -> None:
    mapped = dataclasses.replace(config, host_mount_map=((str(topdir), "/srv/koji"),))
    (mount,) = topdir_mounts(mapped)
    assert (mount.source, mount.target) == ("/srv/koji", str(topdir))


class SocketOfUser1000:
    """As the path of a socket that this user's engine listens on."""

    def stat(self) -> os.stat_result:
        return os.stat_result((0o600, 0, 0, 1, 1000, 1000, 0, 0, 0, 0))


@pytest.mark.parametrize(("uid", "user"), [(0, "0:50"), (1000, "0:0"), (1001, "1001:50")])
def test_user_inside_is_the_daemons(
    config: Config, monkeypatch: pytest.MonkeyPatch, uid: int, user: str
) -> None:
    socket: Any = SocketOfUser1000()
    monkeypatch.setattr("os.getuid", lambda: uid)
    monkeypatch.setattr("os.getgid", lambda: 50)
    assert own_user(dataclasses.replace(config, podman_socket=socket)) == user
