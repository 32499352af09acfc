"""The header of a source package at the hub: fetched in part, and read."""

import shutil
from pathlib import Path

import pytest

from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.source_header import fetch_source_header
from tests.format6 import SOURCE
from tests.unit.handlers.conftest import MakeSrpm
from tests.unit.hostile_names import HOSTILE_PATHS, each
from tests.unit.task_adapters.repos import make_package


@pytest.fixture
def source(make_srpm: MakeSrpm, files: Path) -> str:
    make_srpm(files / "work" / SRPM, "p")
    return SRPM


SRPM = "cli-build/1/p-1.0-1.md1.src.rpm"


def test_source_package_that_is_not_there(topurl: str, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=f"SRPM file missing: {topurl}/work/a/b.src.rpm"):
        fetch_source_header("a/b.src.rpm", topurl=topurl, tempdir=tmp_path, hub=list)


@pytest.mark.parametrize("length", [0, 50, 300])
def test_truncated_source_package(topurl: str, files: Path, source: str, tmp_path: Path, length: int) -> None:
    path = files / "work" / source
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BuildFailed, match=f"{SRPM} is not a source package: its header cannot be read"):
        fetch_source_header(source, topurl=topurl, tempdir=tmp_path, hub=list)


def test_binary_package(topurl: str, files: Path, tmp_path: Path) -> None:
    make_package(tmp_path, "one").rename(files / "one.src.rpm")
    (files / "work").symlink_to(files)
    with pytest.raises(BuildFailed, match=r"one\.src\.rpm is not a source package; submit the src\.rpm"):
        fetch_source_header("one.src.rpm", topurl=topurl, tempdir=tmp_path, hub=list)


def test_fields_of_the_header(topurl: str, files: Path, make_srpm: MakeSrpm, tmp_path: Path) -> None:
    tags = "Epoch: 3\nBuildArch: noarch\nExclusiveArch: x86_64 noarch\nExcludeArch: s390x\n"
    make_srpm(files / "work/a.src.rpm", "a", tags)
    header = fetch_source_header("a.src.rpm", topurl=topurl, tempdir=tmp_path, hub=list)
    assert (header.nvr, header.epoch) == ("a-1.0-1.md1", 3)
    assert header.buildarchs == ("noarch",)
    assert header.exclusivearch == ("x86_64", "noarch")
    assert header.excludearch == ("s390x",)


def test_header_of_format_6(topurl: str, files: Path, tmp_path: Path) -> None:
    (files / "work").mkdir(exist_ok=True)
    shutil.copyfile(SOURCE, files / "work" / SOURCE.name)
    header = fetch_source_header(SOURCE.name, topurl=topurl, tempdir=tmp_path, hub=list)
    assert (header.nvr, header.buildarchs) == ("six-1-1", ("noarch",))


@pytest.mark.parametrize("name", each(HOSTILE_PATHS))
def test_hostile_name_is_no_url(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        fetch_source_header(name, topurl="http://127.0.0.1:1", tempdir=tmp_path, hub=lambda: None)
    assert str(caught.value).isprintable()
    assert "is not a plain name" in str(caught.value)
