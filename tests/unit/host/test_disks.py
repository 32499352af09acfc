"""Disks of this host: what they lack, and which of them an error came from."""

import errno
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.config import Config
from koji_adjutant.errors import BuildrootFailed, ConfigError, Problem
from koji_adjutant.host import disks
from koji_adjutant.host.disks import Disk, interrupted, require_own, want_of_space


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        server="http://h",
        topurls=("http://h",),
        workdir=str(tmp_path / "work"),
        state_dir=tmp_path / "state",
        cache_dir=tmp_path / "state" / "cache",
    )


def status(**values: int) -> os.statvfs_result:
    known = {"f_frsize": 4096, "f_bavail": 1 << 20, "f_files": 1000, "f_favail": 1000, "f_flag": 0, **values}
    order = (
        "f_bsize",
        "f_frsize",
        "f_blocks",
        "f_bfree",
        "f_bavail",
        "f_files",
        "f_ffree",
        "f_favail",
        "f_flag",
        "f_namemax",
    )
    return os.statvfs_result([known.get(name, 0) for name in order])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (status(), None),
        (
            status(f_bavail=256),
            Problem("Insufficient disk space at /d (workdir): 1 MB, 64 MB are needed"),
        ),
        (status(f_favail=3), Problem("Insufficient disk space at /d (workdir): room for 3 files")),
        (status(f_files=0, f_favail=0), None),
        (status(f_flag=os.ST_RDONLY), Problem("workdir /d is read-only")),
    ],
)
def test_what_a_disk_lacks(
    found: os.statvfs_result, said: Problem | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _path: found)
    assert Disk(option="workdir", path=Path("/d")).problem() == said


def test_one_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> os.statvfs_result:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "statvfs", fail)
    problem = Problem("workdir /d cannot be used: Input/output error")
    assert Disk(option="workdir", path=Path("/d")).problem() == problem


def test_directories_that_are_not_made_yet_lack_nothing(config: Config) -> None:
    assert disks.problem(config.disks) is None


def test_an_error_may_come_from_a_disk(config: Config) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    fault = BuildrootFailed("metadata cannot be kept")
    fault.__cause__ = full
    assert want_of_space(full) is want_of_space(fault) is full
    assert want_of_space(FileNotFoundError(errno.ENOENT, "No such file")) is None
    assert want_of_space(BuildrootFailed("another")) is None
    assert (
        config.workdir
        in interrupted(config.disks, OSError(errno.ENOSPC, "full", f"{config.workdir}/x")).message
    )


def test_of_two_files_the_one_that_is_written_to_names_the_disk(config: Config) -> None:
    error = OSError(errno.ENOSPC, "No space left", str(config.cache_dir / "a"), None, f"{config.workdir}/b")
    assert f"{config.workdir} (workdir): no space left" in interrupted(config.disks, error).message
    inner = OSError(errno.ENOSPC, "No space left", str(config.cache_dir / "a"))
    assert "(cache_dir)" in interrupted(config.disks, inner).message


def test_without_a_name_it_is_the_one_that_is_full(config: Config) -> None:
    error = OSError(errno.ENOSPC, "No space left on device")
    assert "see df" in str(interrupted(config.disks, error))
    full = replace(config.disks[2], least=1 << 62)
    assert "make room there, or set state_dir" in str(interrupted((full,), error))


def test_what_was_written_is_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert disks.sync(tmp_path)
    assert not disks.sync(tmp_path / "none")


def test_a_disk_that_fails_says_so(tmp_path: Path, mocker: Any) -> None:
    mocker.patch("ctypes.CDLL").return_value.syncfs.return_value = -1
    mocker.patch("ctypes.get_errno", return_value=errno.EIO)
    before = set(Path("/proc/self/fd").iterdir())
    with pytest.raises(OSError, match="Input/output error"):
        disks.sync(tmp_path)
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_the_kind_of_a_file_system(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 0:21 / / rw - ext4 /dev/sda1 rw\n"
        f"30 22 0:40 / {tmp_path} rw shared:2 - nfs4 server:/koji rw,hard\n"
        f"31 22 0:41 / {tmp_path}-other rw - tmpfs tmpfs rw\n"
    )
    assert disks.file_system(tmp_path / "packages", mounts) == "nfs4"
    assert disks.file_system(Path("/"), mounts) == "ext4"


@pytest.fixture
def of_another() -> Iterator[Path]:
    """A directory of the user that the tests run as, who becomes another for as long."""
    before = os.geteuid()
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        if before:
            pytest.skip("to become another user takes root")
        os.seteuid(65534)
        try:
            yield Path(directory)
        finally:
            os.seteuid(before)


def test_a_directory_of_another_user_is_said_at_the_start(of_another: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        require_own("cache_dir", of_another)
    assert raised.value.message == f"cache_dir {of_another} cannot be used by user 65534: Permission denied"
    assert raised.value.hint == f"chown -R 65534 {of_another}, or set cache_dir"


def test_one_of_our_own_is_left_as_it_is(tmp_path: Path) -> None:
    require_own("workdir", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_cannot_be_written_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    require_own("workdir", tmp_path)
