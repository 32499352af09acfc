"""A root of a few programs of this host."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from koji_adjutant.errors import ConfigError
from koji_adjutant.testbed.engine.rootfs import archive, libraries


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("root")
    with tarfile.open(fileobj=io.BytesIO(archive(["bash", "cat"]))) as tar:
        tar.extractall(directory)
    return directory


def test_its_programs_have_their_libraries(root: Path) -> None:
    for program in ("bash", "cat"):
        assert (root / "bin" / program).stat().st_mode & 0o111
        for library in libraries(root / "bin" / program):
            assert (root / library.lstrip("/")).exists(), library


def test_they_run_in_it(root: Path) -> None:
    done = subprocess.run(
        ["chroot", root, "/bin/sh", "-c", "echo one | /bin/cat"], capture_output=True, check=True
    )
    assert done.stdout.split() == [b"one"]


def test_its_directories(root: Path) -> None:
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (root / "etc").stat().st_mode & 0o7777 == 0o755


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="the program no-such-program is not on this host"):
        archive(["no-such-program"])
