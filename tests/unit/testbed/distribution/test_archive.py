"""Which archive the packages of the distribution come from."""

from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.distribution import archive
from koji_adjutant.testbed.distribution.archive import Archive, host_release, of_release, with_sources

STANZA = """Types: deb
URIs: http://archive.example.org/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.example.org/debian-security
Suites: trixie-security
Components: main
"""
LINES = """deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example.org/debian trixie main
deb http://packages.example.org/apt tool-trixie main
"""


def test_the_suites_are_those_of_the_release() -> None:
    expected = STANZA.replace("trixie", "bookworm")
    assert of_release(STANZA, "trixie", "bookworm") == expected


def test_only_suites_are_changed() -> None:
    made = of_release(with_sources(LINES), "trixie", "bookworm").splitlines()
    assert made[0].endswith(" http://mirror.example.org/debian bookworm main")
    assert made[1] == "deb http://packages.example.org/apt tool-trixie main"
    assert made[2].startswith("deb-src ")


@pytest.mark.parametrize("own", ["bookworm", ""])
def test_the_sources_of_the_same_release_stay_as_they_are(own: str) -> None:
    text = STANZA.replace("trixie", "bookworm")
    assert of_release(text, own, "bookworm") == text


def test_the_release_of_this_machine(tmp_path: Path) -> None:
    assert not host_release(tmp_path)
    (tmp_path / "os-release").write_text('VERSION_ID="13"\nVERSION_CODENAME=trixie\n')
    assert host_release(tmp_path) == "trixie"


def test_a_machine_without_a_source_of_the_release(mocker: MockerFixture, tmp_path: Path) -> None:
    (tmp_path / "apt").mkdir()
    (tmp_path / "apt" / "sources.list").write_text("deb http://archive.example.org/debian stable main\n")
    (tmp_path / "os-release").write_text("VERSION_CODENAME=trixie\n")
    run = mocker.patch.object(archive, "run")
    with pytest.raises(ConfigError, match="has no source of Debian bookworm"):
        Archive(tmp_path / "work", etc=tmp_path).refresh()
    run.assert_not_called()


def test_apt_is_given_the_sources_of_the_release(mocker: MockerFixture, tmp_path: Path) -> None:
    (tmp_path / "apt" / "sources.list.d").mkdir(parents=True)
    (tmp_path / "apt" / "sources.list.d" / "debian.sources").write_text(STANZA)
    (tmp_path / "os-release").write_text("VERSION_CODENAME=trixie\n")
    mocker.patch.object(archive, "run")
    Archive(tmp_path / "work", etc=tmp_path).refresh()
    given = (tmp_path / "work" / "sources.d" / "debian.sources").read_text()
    assert "Suites: bookworm bookworm-updates\n" in given
    assert "trixie" not in given
