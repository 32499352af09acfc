"""A source package on its way from the hub to a task: a name from a build request is nobody's path."""

from pathlib import Path
from typing import Any

import pytest

from koji_adjutant.errors import BuildFailed
from koji_adjutant.handlers.build.buildarch import BuildArchTask
from koji_adjutant.handlers.build.rebuild_srpm import RebuildSRPMTask
from koji_adjutant.handlers.source_header import fetch_source_header
from tests.unit.handlers.conftest import MakeHandler, MakeSrpm
from tests.unit.hostile_names import HOSTILE_PATHS, ODD_NAMES, each

TASK = 7


def everything(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else b""
        for path in sorted(directory.rglob("*"))
    }


@pytest.fixture
def task(make_handler: MakeHandler, tmp_path: Path) -> Any:
    (tmp_path / "work").mkdir()
    return make_handler(RebuildSRPMTask, TASK, [], None)


@pytest.mark.parametrize("kind", [RebuildSRPMTask, BuildArchTask])
@pytest.mark.parametrize("depth", range(1, 9))
def test_name_that_leaves_the_work_directory_touches_no_file(
    make_handler: MakeHandler, files: Path, tmp_path: Path, depth: int, kind: type[Any]
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "victim").write_text("untouched")
    (files / "work" / "cli-build" / "x").mkdir(parents=True)
    (files / "work" / "cli-build" / "x" / "evil").write_text("evil")
    before = everything(tmp_path)
    task = make_handler(kind, TASK, [], None)
    upwards = "/".join([".."] * depth)
    with pytest.raises(BuildFailed, match="is not a plain name"):
        task.source_package(f"cli-build/x/evil?/{upwards}/victim")
    with pytest.raises(BuildFailed, match="is not a plain name"):
        task.source_package(f"{upwards}/victim")
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", each(HOSTILE_PATHS))
def test_hostile_name_is_an_error_in_one_line(task: Any, tmp_path: Path, name: str) -> None:
    before = everything(tmp_path)
    with pytest.raises(BuildFailed) as caught:
        task.source_package(name)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", each({**ODD_NAMES, "usual": "hello-1.0-1.src.rpm"}))
def test_package_of_any_plain_name_is_a_file_of_ours(
    task: Any, make_srpm: MakeSrpm, files: Path, tmp_path: Path, name: str
) -> None:
    made = make_srpm(files / "work" / "cli-build" / "1.2.x" / name, "hello")
    fetched = task.source_package(f"cli-build/1.2.x/{name}")
    assert fetched.read_bytes() == made.read_bytes()
    assert fetched.is_relative_to(tmp_path / "work")
    assert fetched.name == "source.src.rpm"
    header = fetch_source_header(
        f"cli-build/1.2.x/{name}", topurl=task.options.topurl, tempdir=tmp_path, hub=lambda: None
    )
    assert header.nvr == "hello-1.0-1.md1"


def test_package_that_cannot_be_fetched_leaves_nothing(task: Any, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"^SRPM file missing: cli-build/1/a\.src\.rpm: 404"):
        task.source_package("cli-build/1/a.src.rpm")
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []
