"""Certificates of authorities that this host trusts."""

import dataclasses
from pathlib import Path

import pytest

from koji_adjutant.config import Config
from koji_adjutant.config.values import mounts
from koji_adjutant.policy.scm.ca_trust import ca_mounts, found


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(server="http://h/kojihub", topurls=("http://h/k",), state_dir=tmp_path)


def places(config: Config, root: Path) -> list[tuple[str, str]]:
    assert all(mount.read_only for mount in ca_mounts(config, root))
    return [(mount.source, mount.target) for mount in ca_mounts(config, root)]


def test_a_host_of_the_rpm_family_has_directories_as_mock_copies_them(config: Config, tmp_path: Path) -> None:
    for name in ("etc/pki/ca-trust", "usr/share/pki/ca-trust-source"):
        (tmp_path / name).mkdir(parents=True)
    assert places(config, tmp_path) == [
        (f"{tmp_path}/etc/pki/ca-trust", "/etc/pki/ca-trust"),
        (f"{tmp_path}/usr/share/pki/ca-trust-source", "/usr/share/pki/ca-trust-source"),
    ]
    assert [str(one.state) for one in found(config, tmp_path)] == ["present, readable"] * 2


def test_the_file_of_another_host_is_put_where_either_family_looks(config: Config, tmp_path: Path) -> None:
    bundle = tmp_path / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("CERTIFICATES")
    assert places(config, tmp_path) == [
        (str(bundle), "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
        (str(bundle), "/etc/ssl/certs/ca-certificates.crt"),
    ]
    assert [one.path for one in found(config, tmp_path)] == [bundle]


def test_a_host_without_any(config: Config, tmp_path: Path) -> None:
    assert places(config, tmp_path) == []
    assert [str(one) for one in found(config, tmp_path)] == ["scm_ca_trust: /etc/pki/ca-trust: not present"]


def test_what_the_option_says(config: Config, tmp_path: Path) -> None:
    chosen = dataclasses.replace(
        config, scm_ca_trust=mounts("/site/ca:/etc/pki/ca-trust"), host_mount_map=(("/site", "/host/site"),)
    )
    assert places(chosen, tmp_path) == [("/host/site/ca", "/etc/pki/ca-trust")]
    assert [str(one) for one in found(chosen)] == ["scm_ca_trust: /site/ca: not present"]
    assert places(dataclasses.replace(config, scm_ca_trust=()), tmp_path) == []
