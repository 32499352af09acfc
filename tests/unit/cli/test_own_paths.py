"""Paths of a daemon in a container, as its engine has them."""

import dataclasses
import socket
from pathlib import Path

import pytest

from koji_adjutant.cli import own_paths
from koji_adjutant.cli.own_paths import mapped, with_own_paths
from koji_adjutant.config import Config
from koji_adjutant.errors import ConfigError, EngineUnavailable, NoPodman
from koji_adjutant.host.own_container import Mount

OWN = (Mount(root="/", point="/"), Mount(root="/v/work", point="/work"), Mount(root="/", point="/scratch"))
SAID = {"/": "/e/merged", "/work": "/volumes/work/_data", "/mnt/koji/": "/srv/koji"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://hub/kojihub",
        topurls=("http://hub/kojifiles",),
        workdir="/work/tasks",
        state_dir=Path("/var/lib/adjutant"),
        topdir="/mnt/koji",
        podman_socket=tmp_path / "podman.sock",
    )


def nobody(_: str) -> None:
    return None


def test_the_first_container_that_the_engine_knows(config: Config) -> None:
    own = (*OWN, Mount(root="/koji", point="/mnt/koji"))
    found = mapped(config, ["other", "this"], {"this": SAID, "last": {}}.get, own)
    assert found.engine_path(Path("/work/tasks/1")) == "/volumes/work/_data/tasks/1"
    assert found.engine_path(Path("/mnt/koji/repos")) == "/srv/koji/repos"
    assert found.engine_path(Path("/var/lib/adjutant/cache")) == "/e/merged/var/lib/adjutant/cache"
    assert found.our_path("/volumes/work/_data/tasks") == Path("/work/tasks")
    assert found.our_path("/usr/share/containers/seccomp.json") == Path("/usr/share/containers/seccomp.json")


def test_what_is_no_volume_is_said(config: Config) -> None:
    elsewhere = dataclasses.replace(config, workdir="/scratch/koji")
    with pytest.raises(
        ConfigError, match=r"workdir = '/scratch/koji': what is mounted at /scratch .* no volume"
    ):
        mapped(elsewhere, ["this"], {"this": SAID}.get, OWN)


def test_an_engine_beside_us_needs_no_map(config: Config) -> None:
    assert mapped(config, [], nobody, OWN) is config
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
        engine.bind(str(config.podman_socket))
        engine.listen()
        assert mapped(config, ["outer"], nobody, OWN) is config


def test_an_engine_that_does_not_know_us(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_paths, "sees_peer", lambda _: False)
    with pytest.raises(
        ConfigError, match=r"host_mount_map is not set, .* does not know the container .* set host_m"
    ):
        mapped(config, ["outer"], nobody, OWN)


def test_an_engine_that_is_away(config: Config) -> None:
    def away(_: str) -> None:
        raise EngineUnavailable("cannot reach podman")

    with pytest.raises(
        EngineUnavailable, match=r"cannot reach podman: the engine has to say .* host_mount_map"
    ):
        mapped(config, ["this"], away, OWN)


def test_docker_in_place_of_the_engine(config: Config) -> None:
    def docker(_: str) -> None:
        raise NoPodman("what answers is no podman", hint="set podman_socket")

    with pytest.raises(NoPodman, match=r"^what answers is no podman; set podman_socket$"):
        mapped(config, ["this"], docker, OWN)


def test_the_option_goes_first(config: Config) -> None:
    chosen = dataclasses.replace(config, host_mount_map=(("/work", "/elsewhere"),))
    assert with_own_paths(chosen) is chosen
