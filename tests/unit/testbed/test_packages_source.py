"""What buildroots are made of: where it is kept, and how it is shown."""

from pathlib import Path
from typing import Any

from koji_adjutant.testbed.distribution.recipe import RELEASE
from koji_adjutant.testbed.packages_source import (
    INSTALL_GROUPS,
    REAL_GROUPS,
    PackagesSource,
    distribution_directory,
    publish,
)

URL = "http://127.0.0.1/kojifiles"


def source(**options: Any) -> PackagesSource:
    return PackagesSource(arch="x86_64", task_image="i", groups=REAL_GROUPS, srpms={}, **options)


def test_releases_are_kept_apart(tmp_path: Path) -> None:
    assert distribution_directory(tmp_path) == distribution_directory(tmp_path, RELEASE)
    assert distribution_directory(tmp_path, "trixie") != distribution_directory(tmp_path)


def test_a_repository_of_this_machine_is_shown_below_the_topdir(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "which").write_text(name)
    topdir = tmp_path / "topdir"
    for name in ("first", "second"):
        url = publish(tmp_path / name, topdir, URL, "external/it")
        assert url == f"{URL}/external/it/"
        assert (topdir / "external" / "it" / "which").read_text() == name


def test_one_of_another_machine_is_where_it_is(tmp_path: Path) -> None:
    assert source(url="https://mirror/os/").publish(tmp_path, URL) == "https://mirror/os/"
    assert not list(tmp_path.iterdir())
    assert source(repo=tmp_path).publish(tmp_path / "topdir", URL).startswith(URL)


def test_a_real_distribution_has_both_groups() -> None:
    assert set(REAL_GROUPS) == set(INSTALL_GROUPS)
    assert all("rpm-build" in packages for packages in REAL_GROUPS.values())
