"""Which archive the packages of the distribution come from, and who vouches for it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.distribution import archive
from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.programs import ProgramFailed

STANZA = """Types: deb
URIs: http://archive.example.org/debian
Suites: trixie trixie-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The /etc of a machine that runs trixie."""
    (tmp_path / "etc" / "apt" / "sources.list.d").mkdir(parents=True)
    (tmp_path / "etc" / "apt" / "sources.list.d" / "debian.sources").write_text(STANZA)
    (tmp_path / "etc" / "os-release").write_text("VERSION_CODENAME=trixie\n")
    return tmp_path / "etc"


def programs(sources: Path, told: list[str]) -> Callable[..., str]:
    """What stands in for apt-get and dpkg-deb; the sources that apt was given to update from are noted."""

    def run(argv: list[str | Path], cwd: Path | None = None) -> str:
        if argv[-1] == "update":
            told.append(sources.read_text())
        elif "download" in argv:
            assert cwd
            (cwd / "debian-archive-keyring_1_all.deb").touch()
        elif argv[0] == "dpkg-deb":
            keyrings = Path(argv[-1]) / "usr" / "share" / "keyrings"
            keyrings.mkdir(parents=True)
            (keyrings / "debian-archive-keyring.gpg").write_text("the release's own")
        return ""

    return run


def test_a_machine_without_a_source_of_the_release(
    mocker: MockerFixture, machine: Path, tmp_path: Path
) -> None:
    source = machine / "apt" / "sources.list.d" / "debian.sources"
    source.write_text(STANZA.replace("Suites: trixie trixie-updates", "Suites: nodistro"))
    run = mocker.patch.object(archive, "run")
    with pytest.raises(ConfigError, match="has no source of Debian bookworm"):
        Archive(tmp_path / "work", etc=machine).refresh()
    run.assert_not_called()


def test_another_release_is_verified_by_its_own_keyring(
    mocker: MockerFixture, machine: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    work = tmp_path / "work"
    mocker.patch.object(archive, "run", side_effect=programs(work / "sources.d" / "debian.sources", told))
    Archive(work, release="testing", etc=machine).refresh()
    by_this_machine, by_its_own = told
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n" in by_this_machine
    assert f"Signed-By: {work / 'debian-archive-keyring.gpg'}\n" in by_its_own
    assert (work / "debian-archive-keyring.gpg").read_text() == "the release's own"
    for text in told:
        assert "Suites: testing testing-updates\n" in text
        assert "trixie" not in text


def test_the_own_release_is_verified_as_the_machine_does(
    mocker: MockerFixture, machine: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    work = tmp_path / "work"
    mocker.patch.object(archive, "run", side_effect=programs(work / "sources.d" / "debian.sources", told))
    Archive(work, release="trixie", etc=machine).refresh()
    (text,) = told
    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n" in text


@pytest.mark.parametrize(
    "said",
    [
        "W: GPG error: http://a.example.org testing InRelease: the public key is not available: NO_PUBKEY 762F67A0",
        "/usr/bin/sqv returned an error code (1), error message is: Missing key B7C5D7D6350947F82, which is needed",
    ],
)
def test_a_key_that_this_machine_does_not_know(
    said: str, mocker: MockerFixture, machine: Path, tmp_path: Path
) -> None:
    mocker.patch.object(archive, "run", side_effect=ProgramFailed(f"exit code 100 from apt-get: {said}"))
    (tmp_path / "work" / "lists").mkdir(parents=True)
    (tmp_path / "work" / "lists" / "older_main_binary-amd64_Packages").touch()
    expected = "what signs the archive of Debian testing is not in the keyring of this machine: (NO_PUBKEY|Missing key)"
    with pytest.raises(ConfigError, match=expected):
        Archive(tmp_path / "work", release="testing", etc=machine).refresh()
