"""Files for a group: those that are to be shared, and no others."""

import grp
import os
from pathlib import Path

import pytest

from koji_adjutant.host.groups import group_id, keep_to_owner, share


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_the_group_or_our_own() -> None:
    ours = os.getegid()
    assert group_id(grp.getgrgid(ours).gr_name) == ours
    assert group_id("no-such-group") == ours


def test_sharing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o666)
    share(file, os.getegid(), 0o640)
    assert mode(file) == 0o640
    with file.open() as stream:
        share(stream.fileno(), os.getegid(), 0o600)
    assert mode(file) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to any group")
def test_a_group_of_others(tmp_path: Path) -> None:
    directory, group = tmp_path / "directory", os.getegid() + 1
    directory.mkdir()
    share(directory, group, 0o2750)
    assert (mode(directory), directory.stat().st_gid) == (0o2750, group)
    (directory / "file").touch()
    assert (directory / "file").stat().st_gid == group


def test_keeping(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch(mode=0o755)
    link.symlink_to(file)
    keep_to_owner(link)
    assert mode(file) == 0o755
    keep_to_owner(file)
    assert mode(file) == 0o700
    keep_to_owner(tmp_path / "missing")
