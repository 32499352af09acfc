"""When a distribution is taken for whole, and what its identity is."""

import json
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from koji_adjutant.testbed.distribution import distribution
from koji_adjutant.testbed.distribution.archive import Archive
from koji_adjutant.testbed.distribution.content import Progress
from koji_adjutant.testbed.distribution.distribution import content_digest, make, read_stamp
from koji_adjutant.testbed.distribution.programs import ProgramFailed
from koji_adjutant.testbed.distribution.recipe import Recipe


def fill(
    work: Path, _archive: Archive, _recipe: Recipe, progress: Progress, _first: Path | None = None
) -> None:
    """A content of two files."""
    progress("made")
    (work / "repo" / "repodata").mkdir(parents=True)
    (work / "repo" / "repodata" / "repomd.xml").write_text("<repomd/>")
    (work / "srpms").mkdir()
    (work / "srpms" / "hello-1.0-1.md1.src.rpm").write_text("package")
    (work / "comps.xml").write_text("<comps/>")
    (work / "tools").mkdir()


def fail(
    work: Path, archive: Archive, recipe: Recipe, progress: Progress, _first: Path | None = None
) -> None:
    fill(work, archive, recipe, progress)
    raise ProgramFailed("no space left")


def test_made_once_and_then_only_read(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(distribution, "make_content", side_effect=fill)
    said: list[str] = []
    first = make(tmp_path / "cache", said.append)
    assert make(tmp_path / "cache", said.append) == first
    assert said == ["made", "the distribution is up to date"]
    assert first.srpms["hello"].read_text() == "package"
    assert first.digest == content_digest(first.directory)
    assert (first.release, first.tools.root) == ("bookworm", tmp_path / "cache" / "tools")
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == [
        "comps.xml",
        "lock",
        "repo",
        "srpms",
        "stamp.json",
        "tools",
    ]


def test_failed_run_leaves_the_former_whole(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(distribution, "make_content", side_effect=fill)
    first = make(tmp_path, print)
    mocker.patch.object(distribution, "make_content", side_effect=fail)
    mocker.patch.object(distribution, "fingerprint", return_value="another recipe")
    with pytest.raises(ProgramFailed):
        make(tmp_path, print)
    assert first.srpms["hello"].exists()
    assert not list(tmp_path.glob("work-*"))


def test_another_recipe_replaces_it(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(distribution, "make_content", side_effect=fill)
    make(tmp_path, print)
    (tmp_path / "repo" / "stale").touch()
    mocker.patch.object(distribution, "fingerprint", return_value="another recipe")
    make(tmp_path, print)
    assert not (tmp_path / "repo" / "stale").exists()
    assert json.loads((tmp_path / "stamp.json").read_text())["recipe"] == "another recipe"


def test_what_a_killed_run_left_is_neither_taken_nor_kept(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(distribution, "make_content", side_effect=fill)
    (tmp_path / "work-killed" / "repo").mkdir(parents=True)
    (tmp_path / "repo").mkdir()
    assert read_stamp(tmp_path, "any") is None
    made = make(tmp_path, print)
    assert (made.repo / "repodata").is_dir()
    assert not (tmp_path / "work-killed").exists()


def test_stamp_without_its_content_counts_for_nothing(tmp_path: Path, mocker: MockerFixture) -> None:
    mocker.patch.object(distribution, "make_content", side_effect=fill)
    made = make(tmp_path, print)
    made.comps.unlink()
    recipe = json.loads((tmp_path / "stamp.json").read_text())["recipe"]
    assert read_stamp(tmp_path, recipe) is None
